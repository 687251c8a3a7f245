// Swipe between before and after on one map: the images before are drawn only to the left of a line.
//
// Two layers that draw nothing switch WebGL's clipping (the scissor test) on and off around the images before. With
// one map in place of two there is nothing to keep in step: outlines and drawing run across the line, and flipping
// is a swipe from one side to the other.
import type { CustomLayerInterface, Map as MapLibre } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { setDisplay, state } from "../state.ts";

export const CLIP_LAYER = "clip";
export const UNCLIP_LAYER = "unclip";
const STEP = 0.05; // of the map's width

/**
 * Add the two layers that clip. Images after lie below the first, images before between the two.
 *
 * @param background - Gives the colour that hides the images after where there is no image before: red, green, blue of
 *   0 to 1.
 */
export function addSwipeLayers(map: MapLibre, background: () => [number, number, number]): void {
  const clip: CustomLayerInterface = {
    id: CLIP_LAYER,
    type: "custom",
    render(gl) {
      const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(0, 0, Math.round(state.display.value.swipe * width), height);
      gl.clearColor(...background(), 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    },
  };
  const unclip: CustomLayerInterface = {
    id: UNCLIP_LAYER,
    type: "custom",
    render: (gl) => gl.disable(gl.SCISSOR_TEST),
  };
  map.addLayer(clip);
  map.addLayer(unclip);
}

/**
 * Let the line follow the display options, and be moved by pointer and keyboard.
 *
 * The line lies over landslides, so only its handle at the edge of the map takes the pointer (`style.css`), and while
 * something is drawn not even that: corners can be everywhere.
 */
export function connectSwipe(map: MapLibre): void {
  const handle = byId("swipe");
  const frame = byId("map-frame");
  state.display.subscribe(({ swipe }) => {
    handle.style.left = `${swipe * 100}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(swipe * 100)));
    frame.dataset.side = swipe <= 0 ? "after" : swipe >= 1 ? "before" : "both";
    map.triggerRepaint();
  });
  state.mode.subscribe((mode) => {
    handle.dataset.mode = mode;
  });
  handle.addEventListener("wheel", (event) => {
    map.getCanvas().dispatchEvent(new WheelEvent(event.type, event)); // so that the map zooms there as everywhere
    event.preventDefault();
  });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { left, width } = frame.getBoundingClientRect();
    setSwipe((event.clientX - left) / width);
  });
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -20, End: 20 }[event.key];
    if (steps === undefined) return;
    moveSwipe(steps);
    event.preventDefault();
    event.stopPropagation();
  });
}

function setSwipe(share: number): void {
  setDisplay({ swipe: Math.min(Math.max(share, 0), 1) });
}

/** Move the line to the right by steps, or to the left by negative ones. */
export const moveSwipe = (steps: number): void => setSwipe(state.display.value.swipe + steps * STEP);

/** Show the images before alone, or if they are shown, those after alone. */
export const flipSwipe = (): void => setDisplay({ swipe: state.display.value.swipe > 0 ? 0 : 1 });
