// The panel of the current landslide: the buttons that decide on it, and its record.
import { render, type VNode } from "preact";
import { byId } from "../lib/dom.ts";
import { formatArea, formatDays, formatName, formatPercent } from "../lib/format.ts";
import { stateClass } from "../map/palette.ts";
import { isAllowed, runCommand } from "../review/commands.ts";
import { ATTRIBUTE_LABELS, ATTRIBUTE_NAMES } from "../review/describing.ts";
import { EDIT_TOOLS } from "../review/edit-tools.ts";
import { COMMANDS, type CommandName, keyBindings, keyLabel } from "../review/keys.ts";
import { EDIT_CORNERS_KEY, editProposal, finishMode, leaveMode, undoCorner, useEditTool } from "../review/modes.ts";
import { changeLevel, changeSource, chooseLevel, describeProposal } from "../review/outlining.ts";
import type { LandslideDetails, LandslideProperties, Observation, ServerInfo } from "../server/types.ts";
import { mayDecide, type Proposal, state } from "../state.ts";
import { AttributesForm } from "./attributes.tsx";
import { NothingChosen } from "./end.tsx";
import { SelectButtons } from "./select-buttons.tsx";
import { ShiftButtons } from "./shift-buttons.tsx";

const MAX_REVIEWS = 4;

/** Create the panel; it follows the current landslide, its details and the mode. */
export function createDetails(): void {
  render(<DecisionButtons />, byId("decide"));
  render(<LandslideRecord />, byId("record"));
}

/** One button per command that decides, previous and next; in a mode the two buttons that end it instead. */
function DecisionButtons(): VNode {
  if (state.mode.value !== "look") return <ModeButtons />;
  return (
    <>
      {COMMANDS.filter(({ group }) => group === "Decide").map(({ name }) => (
        <CommandButton name={name} disabled={!mayDecide() || !isPossible(name)} />
      ))}
      <CommandButton name="previous" />
      <CommandButton name="next" />
    </>
  );
}

/** Whether this person may use a command, and there is something that it can decide on. */
function isPossible(name: CommandName): boolean {
  if (!isAllowed(name)) return false;
  if (name === "undo") return state.undoable.value.undo !== null;
  if (name === "redo") return state.undoable.value.redo !== null;
  return name === "draw" || name === "outline" || name === "many" || state.current.value !== null;
}

function CommandButton({ name, disabled }: { name: CommandName; disabled?: boolean }): VNode {
  return (
    <button
      type="button"
      class={`decision ${name.replace(" ", "-")}`}
      disabled={disabled}
      aria-describedby={mayDecide() ? undefined : "who"}
      onClick={() => runCommand(name)}
    >
      <span>{COMMANDS.find((command) => command.name === name)?.label}</span>
      <kbd>{keyLabel(keyBindings.value[name])}</kbd>
    </button>
  );
}

const ModeButtons = (): VNode => (
  <>
    {state.mode.value === "shift" && <ShiftButtons />}
    {state.mode.value === "select" && <SelectButtons />}
    {state.mode.value !== "select" && state.mode.value !== "measure" && <KeepButton />}
    <button type="button" class="decision" onClick={leaveMode}>
      <span>Leave</span>
      <kbd>Esc</kbd>
    </button>
    {["draw", "split", "measure"].includes(state.mode.value) && (
      <button type="button" class="decision" onClick={undoCorner}>
        <span>Take back</span>
        <kbd aria-label="Backspace">⌫</kbd>
      </button>
    )}
    {state.mode.value === "edit" && <EditToolButtons />}
    {state.proposal.value && <LevelControls proposal={state.proposal.value} />}
  </>
);

const KeepButton = (): VNode => (
  <button type="button" class="decision strong" onClick={finishMode}>
    <span>{state.mode.value === "merge" ? "Merge" : "Keep"}</span>
    <kbd>Enter</kbd>
  </button>
);

/** The tools of an edit; those that change what the pointer does are pressed as long as they do. */
const EditToolButtons = (): VNode => (
  <>
    {EDIT_TOOLS.map((definition) => (
      <button
        type="button"
        class="decision"
        aria-pressed={definition.tool && state.editTool.value === definition.tool}
        onClick={() => useEditTool(definition)}
      >
        <span>{definition.label}</span>
        <kbd>{keyLabel(definition.key)}</kbd>
      </button>
    ))}
  </>
);

/** What goes from one of the nested outlines to the next: a slider and buttons, from small to large. */
const LevelControls = ({ proposal }: { proposal: Proposal }): VNode => (
  <>
    <button type="button" class="decision" onClick={() => changeLevel(-1)}>
      <span>Smaller</span>
      <kbd>−</kbd>
    </button>
    <button type="button" class="decision" onClick={() => changeLevel(1)}>
      <span>Larger</span>
      <kbd>+</kbd>
    </button>
    <label class="slider size-choice">
      <span>Outline</span>
      <input
        type="range"
        min={0}
        max={proposal.outlines.outlines.length - 1}
        value={proposal.chosen}
        aria-valuetext={describeProposal(proposal)}
        onInput={({ currentTarget }) => chooseLevel(currentTarget.valueAsNumber)}
      />
      <output role="status">{describeProposal(proposal)}</output>
    </label>
    <button type="button" class="decision" onClick={changeSource}>
      <span>{proposal.outlines.source === "image" ? "Probability" : "By images"}</span>
      <kbd>Tab</kbd>
    </button>
    <button type="button" class="decision" onClick={editProposal}>
      <span>Edit corners</span>
      <kbd>{keyLabel(EDIT_CORNERS_KEY)}</kbd>
    </button>
  </>
);

/** The record of the current landslide, without its history until the server has sent the details. */
function LandslideRecord(): VNode {
  const landslide = state.current.value;
  const details = state.details.value;
  if (!landslide) return <NothingChosen />;
  const { id, properties } = landslide;
  return (
    <>
      <h2>
        <span class={`dot ${stateClass(properties.review_state)}`} />
        {formatArea(properties.area_m2)} <span class="quiet">{properties.review_state}</span>
      </h2>
      {state.describing.value && <AttributesForm key={id} landslide={landslide} />}
      <Facts properties={properties} observations={details?.observations ?? []} />
      <BlindStatus properties={properties} details={details} />
      {details?.disputed && <Dispute verdicts={details.verdicts} />}
      <Reviews reviews={details?.reviews ?? []} />
      <p class="id-line">
        <code class="id" title="Id">
          {id}
        </code>
        <button type="button" class="small" onClick={() => runCommand("link")}>
          <span>Copy link</span>
          <kbd>{keyLabel(keyBindings.value.link)}</kbd>
        </button>
      </p>
    </>
  );
}

function Facts(props: { properties: LandslideProperties; observations: Observation[] }): VNode {
  const { properties, observations } = props;
  const byModel = observations.findLast(({ bundle }) => bundle);
  const changedBy = properties.changed_by.startsWith("run ") ? "a mapping run" : properties.changed_by;
  const facts = {
    ...knownAttributes(properties),
    Region: formatName(properties.region),
    Happened: formatDays(properties.date_min, properties.date_max),
    Model: byModel?.bundle ?? "–",
    Probability: byModel ? probabilityText(byModel) : "–",
    Scene: (byModel ?? observations.at(-1))?.scene ?? "–",
    Version: `${properties.version} by ${changedBy}`,
  };
  return (
    <dl>
      {Object.entries(facts).map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** The attributes that somebody has recorded, by their labels. */
function knownAttributes(properties: LandslideProperties): Record<string, string> {
  const known = ATTRIBUTE_NAMES.filter((name) => properties[name]);
  return Object.fromEntries(known.map((name) => [ATTRIBUTE_LABELS[name], properties[name] ?? ""]));
}

/** The probability within the outline, and with test-time augmentation how far its views deviate. */
function probabilityText({ mean_probability, mean_deviation, max_probability }: Observation): string {
  const deviation = mean_deviation == null ? "" : ` ± ${formatPercent(mean_deviation)}`;
  return `mean ${formatPercent(mean_probability)}${deviation}, highest ${formatPercent(max_probability)}`;
}

/** In a blind review how far it has come with a landslide, as far as this person may know. */
function BlindStatus(props: { properties: LandslideProperties; details: LandslideDetails | null }): VNode | null {
  const blind = state.serverInfo.value?.blind;
  const { properties, details } = props;
  if (!blind || !details) return null;
  return <p class="blind">{blindText(blind, properties, details)}</p>;
}

function blindText(
  { judges, adjudicates }: NonNullable<ServerInfo["blind"]>,
  { status, review_state }: LandslideProperties,
  { disputed, verdicts }: LandslideDetails,
): string {
  const isSettled = status === "confirmed" || status === "rejected";
  if (isSettled) return `Settled: ${adjudicates ? "you may change it" : "only an adjudicator changes it"}.`;
  const hasJudged = verdicts.some(({ by, blind }) => blind && by === state.reviewer.value);
  if (disputed && adjudicates && !hasJudged) return "People differ, and you have not judged it: you settle it.";
  if (disputed) return "You and others differ: it stays a candidate until an adjudicator settles it.";
  if (hasJudged && review_state !== "open")
    return `You have judged it. It counts once ${judges} people have judged alike, none of them seeing the others.`;
  return mayDecide()
    ? "Judge by yourself: you see what others said once you have judged."
    : "Only those who have judged it see what was said, until it is settled.";
}

const Dispute = ({ verdicts }: Pick<LandslideDetails, "verdicts">): VNode => (
  <p class="disputed">Disputed: {verdicts.map(({ by, verdict }) => `${by} ${verdict}`).join(", ")}</p>
);

/** The last reviews, each with its reason or comment. */
const Reviews = ({ reviews }: Pick<LandslideDetails, "reviews">): VNode => (
  <ul class="reviews">
    {reviews.slice(-MAX_REVIEWS).map(({ action, by, at, why }) => (
      <li>
        <b>{action ?? "proposed"}</b> {by} {at.slice(0, 10)} {why && why !== action && <q>{why}</q>}
      </li>
    ))}
  </ul>
);
