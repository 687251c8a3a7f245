// Before and after on one map: the image before is drawn on the left side of a line only.
//
// Two layers that draw nothing switch the clipping of WebGL on and off around the images before. So there
// is one map: nothing to keep in step, outlines and drawing run across the line, and flipping is a swipe
// from one side to the other.
import type { CustomLayerInterface, Map as MapLibre } from "maplibre-gl";
import { byId } from "../lib/dom.ts";
import { setDisplay, state } from "../state.ts";

export const CLIP_LAYER = "clip";
export const UNCLIP_LAYER = "unclip";
const STEP = 0.05;

export function addSwipeLayers(map: MapLibre, ground: () => [number, number, number]): void {
  const clip: CustomLayerInterface = {
    id: CLIP_LAYER,
    type: "custom",
    render(gl) {
      const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(0, 0, Math.round(state.display.value.swipe * width), height);
      gl.clearColor(...ground(), 1);
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

export function connectSwipe(map: MapLibre): void {
  const handle = byId("swipe");
  const frame = byId("map-frame");
  state.display.subscribe(({ swipe }) => {
    handle.style.left = `${swipe * 100}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(swipe * 100)));
    frame.dataset.side = swipe <= 0 ? "after" : swipe >= 1 ? "before" : "both";
    map.triggerRepaint();
  });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { left, width } = frame.getBoundingClientRect();
    setDisplay({ swipe: Math.min(Math.max((event.clientX - left) / width, 0), 1) });
  });
  handle.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: -1, ArrowRight: 1, Home: -20, End: 20 }[event.key];
    if (to === undefined) return;
    moveSwipe(to);
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Move the line by steps. */
export function moveSwipe(steps: number): void {
  setDisplay({ swipe: Math.min(Math.max(state.display.value.swipe + steps * STEP, 0), 1) });
}

/** Show the whole image before, or the whole one after. */
export const flipSwipe = (): void => setDisplay({ swipe: state.display.value.swipe > 0 ? 0 : 1 });
