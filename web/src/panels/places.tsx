// The dialog in which one goes to another place: a search field, the link to what is shown, and the scenes.
import { useSignal } from "@preact/signals";
import { render, type VNode } from "preact";
import { byId } from "../lib/dom.ts";
import { centreContains } from "../map/view.ts";
import { copyLink, presentLink, search, showScene } from "../review/places.ts";
import type { Scene } from "../server/types.ts";
import { state } from "../state.ts";

/** Create the dialog; it is open while `state.placesOpen` is set. */
export function createPlaces(): void {
  const dialog = byId<HTMLDialogElement>("places");
  dialog.addEventListener("close", () => {
    state.placesOpen.value = dialog.open;
  });
  state.placesOpen.subscribe((open) => {
    if (open) {
      render(<Places />, dialog);
      if (!dialog.open) dialog.showModal();
    } else {
      dialog.close();
      render(null, dialog); // so that nothing typed is there when it opens again
    }
  });
}

const close = (): void => {
  state.placesOpen.value = false;
};

const Places = (): VNode => (
  <>
    <h2>Go to</h2>
    <SearchForm />
    <LinkField />
    <SceneList />
    <p class="buttons">
      <button type="button" onClick={close}>
        Close (Esc)
      </button>
    </p>
  </>
);

/** The field of the search; why nothing is found stands below it. */
function SearchForm(): VNode {
  const text = useSignal("");
  const problem = useSignal("");
  const submit = (event: Event): void => {
    event.preventDefault();
    search(text.value)
      .then(close)
      .catch((error: Error) => {
        problem.value = error.message;
      });
  };
  return (
    <form class="search" onSubmit={submit}>
      <label for="search">Coordinates, a landslide’s id, a link or a scene’s name</label>
      <input
        id="search"
        type="text"
        autofocus
        autocomplete="off"
        spellcheck={false}
        maxLength={500}
        placeholder={`42.69, 141.94  or  42°41'30"N 141°56'15"E`}
        aria-invalid={problem.value !== ""}
        aria-describedby="search-problem"
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          problem.value = "";
        }}
      />
      <button type="submit" class="strong">
        Go
      </button>
      <p id="search-problem" class="bad" role="alert">
        {problem.value}
      </p>
    </form>
  );
}

/** The link to what is shown, from which it can be copied in every browser. */
const LinkField = (): VNode => (
  <div class="search">
    <label for="link">Link to what you see</label>
    <input
      id="link"
      type="text"
      readonly
      value={presentLink()}
      onFocus={({ currentTarget }) => currentTarget.select()}
    />
    <button type="button" onClick={() => void copyLink()}>
      Copy
    </button>
  </div>
);

/** All scenes with the dates of their images: those at the middle of the map first, of each place the latest first. */
function SceneList(): VNode {
  const latest = (scene: Scene): string => scene.date_post ?? scene.date_pre ?? "";
  const scenes = [...state.scenes.value].sort(
    (a, b) => Number(centreContains(b)) - Number(centreContains(a)) || latest(b).localeCompare(latest(a)),
  );
  const choose = (scene: Scene) => (): void => {
    close();
    showScene(scene);
  };
  return (
    <>
      <h3 id="scenes-title">Scenes</h3>
      <ul class="scenes" aria-labelledby="scenes-title">
        {scenes.map((scene) => (
          <li key={scene.id}>
            <button type="button" aria-pressed={scene.id === state.scene.value?.id} onClick={choose(scene)}>
              <span>{scene.name}</span>
              <span class="dates">
                {scene.date_pre ?? "no date"} → {scene.date_post ?? "no date"}
              </span>
              {centreContains(scene) && <span class="dates">here</span>}
            </button>
          </li>
        ))}
      </ul>
      {scenes.length === 0 && <p class="quiet">No scene is mapped yet.</p>}
    </>
  );
}
