// Draw and edit outlines and cutting lines with Terra Draw, by pointer or by keyboard.
//
// Terra Draw has polygons without holes. So each ring of an outline is a polygon of its own while it is edited, and the
// rings are put together again at the end. By keyboard the arrows move the map below a cross in its middle: Space acts
// there as a click would, and Enter ends.
import type { LineString, Position } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import {
  type GeoJSONStoreFeatures,
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawModeUndoRedo,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { byId } from "../lib/dom.ts";
import type { Outline } from "../lib/geometry.ts";
import { showNotice } from "../lib/notice.ts";
import { removeCorners, reshapeOutline } from "../lib/outline-edits.ts";
import { type EditTool, state } from "../state.ts";

const PRECISION = 9; // decimals of a degree: a tenth of a millimetre
const COLOUR = "#ffffff";
const ERASER_RADIUS = 14; // px: half a fingertip
const SELECTED_RING_STYLE = {
  selectedPolygonColor: COLOUR,
  selectedPolygonFillOpacity: 0.08,
  selectedPolygonOutlineColor: COLOUR,
  selectedPolygonOutlineWidth: 2.5,
  selectionPointColor: COLOUR,
  selectionPointOutlineColor: "#000000",
  selectionPointWidth: 4,
  midPointColor: "#56b4e9",
  midPointOutlineColor: "#000000",
  midPointWidth: 2,
  midPointOutlineWidth: 0.5,
} as const;
const POLYGON_STYLE = { fillColor: COLOUR, fillOpacity: 0.08, outlineColor: COLOUR, outlineWidth: 2.5 } as const;
const LINE_STYLE = { lineStringColor: COLOUR, lineStringWidth: 2.5 } as const;

/** `edit` moves corners of an outline, `draw` makes a new outline, `split` draws a line across one. */
export type DrawingTool = "edit" | "draw" | "split";

const TERRA_DRAW_MODES = { edit: "select", draw: "polygon", split: "linestring" } as const;

/** What was drawn: an outline, or the line of `split`. */
export type DrawnShape = Outline | LineString;

/** A corner of a ring that is edited: the ring's feature, its positions, the corner's index and its position. */
interface Corner {
  featureId: string | number;
  ring: Position[];
  index: number;
  position: [number, number];
}

/**
 * Draws one shape at a time on the map.
 *
 * @example
 * const editor = new OutlineEditor(map);
 * editor.begin("edit", landslide.geometry, (outline) => save(outline));
 */
export class OutlineEditor {
  private readonly map: MapLibre;
  private terraDraw: TerraDraw | null = null;
  private tool: DrawingTool = "draw";
  /** Whether there is a shape whose corners are moved; otherwise corners are set. */
  movesCorners = false;
  private chosenCorner = -1;
  /** The outlines of an edit after each of its steps, the one that it began with first. */
  private steps: Outline[] = [];
  private stopErasing: (() => void) | null = null;
  private onFinish: (shape: DrawnShape) => void = () => {};

  constructor(map: MapLibre) {
    this.map = map;
  }

  /**
   * Begin to draw; what was being drawn before is dropped.
   *
   * @param shape - The shape whose corners are moved: the outline to edit, or what was drawn before; null to draw one.
   * @param onFinish - Called with the shape when it is finished, by `finishShape` or by the pointer.
   * @param onChange - Called when the shape has changed.
   */
  begin(
    tool: DrawingTool,
    shape: DrawnShape | null,
    onFinish: (shape: DrawnShape) => void,
    onChange: () => void = () => {},
  ): void {
    this.stop();
    this.tool = tool;
    this.movesCorners = shape !== null;
    this.onFinish = onFinish;
    this.chosenCorner = -1;
    const terraDraw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map: this.map, coordinatePrecision: PRECISION }),
      undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
      modes: terraDrawModes(),
    });
    terraDraw.start();
    terraDraw.setMode(this.movesCorners ? "select" : TERRA_DRAW_MODES[tool]);
    terraDraw.on("finish", () => queueMicrotask(() => this.handleFinish()));
    this.terraDraw = terraDraw;
    if (shape) this.loadShape(shape);
    this.steps = [];
    this.recordStep();
    terraDraw.on("change", onChange);
    byId("cross").hidden = false;
  }

  /** End drawing and call `onFinish`; returns false, and goes on, where nothing complete has been drawn. */
  finishShape(): boolean {
    if (!this.terraDraw) return false;
    if (state.editTool.value === "reshape") {
      this.sendKey("Enter"); // which ends the line, and `handleFinish` then reshapes by it
      return true;
    }
    if (!this.movesCorners) this.sendKey("Enter"); // Terra Draw closes what is still open, and may finish by this
    if (!this.terraDraw) return true;
    const shape = this.shapeOf(this.features());
    if (!shape) return false;
    const onFinish = this.onFinish;
    this.stop();
    onFinish(shape);
    return true;
  }

  /** The shape as it is now, of the corners that are set; null where they are too few. */
  presentShape(): DrawnShape | null {
    return this.shapeOf(this.movesCorners ? this.features() : this.features().map(withoutPointer));
  }

  private shapeOf(features: GeoJSONStoreFeatures[]): DrawnShape | null {
    return this.tool === "split" ? cuttingLineOf(features) : outlineOf(features);
  }

  /** What is drawn, without the marks that Terra Draw sets on it. */
  private features(): GeoJSONStoreFeatures[] {
    const mode = this.tool === "split" ? "linestring" : "polygon";
    return (this.terraDraw?.getSnapshot() ?? []).filter(({ properties }) => properties.mode === mode);
  }

  /** End drawing without a shape. */
  stop(): void {
    this.useTool("corners");
    this.terraDraw?.stop();
    this.terraDraw = null;
    byId("cross").hidden = true;
  }

  /** Act as a click at the cross would: set a corner, or take up the one that lies there. */
  clickAtCentre(): void {
    this.sendPointer("pointermove");
    this.sendPointer("pointerdown");
    this.sendPointer("pointerup");
  }

  /** Move the chosen corner by pixels, and the map with it so that the corner stays at the cross. */
  moveCorner(right: number, down: number): void {
    const corner = this.corners()[this.chosenCorner];
    if (!this.terraDraw || !corner) return;
    const { x, y } = this.map.project(corner.position);
    const { lng, lat } = this.map.unproject([x + right, y + down]);
    const moved = [lng, lat].map(roundDegrees);
    const isLine = this.tool === "split";
    const count = isLine ? corner.ring.length : corner.ring.length - 1; // a ring's last position is its first
    const ring = corner.ring.map((position, index) => (index % count === corner.index % count ? moved : position));
    this.terraDraw.deselectFeature(corner.featureId);
    this.terraDraw.updateFeatureGeometry(
      corner.featureId,
      isLine ? { type: "LineString", coordinates: ring } : { type: "Polygon", coordinates: [ring] },
    );
    this.terraDraw.selectFeature(corner.featureId);
    this.map.jumpTo({ center: [lng, lat] });
    this.recordStep();
  }

  /** Remove the chosen corner, and choose the one after it. */
  removeChosenCorner(): void {
    const corner = this.corners()[this.chosenCorner];
    if (!corner) return showNotice("Choose a corner first: Tab");
    if (!this.changeOutline((outline) => removeCorners(outline, isSamePlace(corner.position)))) return;
    this.chosenCorner--;
    this.chooseCorner(1);
  }

  /** Change the whole outline that is edited; returns false, with a notice, where the change cannot be made. */
  changeOutline(change: (outline: Outline) => Outline | null, refusal = "The outline would cross itself"): boolean {
    const outline = this.editedOutline();
    const changed = outline && change(outline);
    if (!changed) {
      showNotice(refusal, "bad");
      return false;
    }
    this.replaceOutline(changed);
    this.recordStep();
    return true;
  }

  /** Take the last step of the edit back; returns false where there is none. */
  undoStep(): boolean {
    this.recordStep();
    if (this.steps.length < 2) return false;
    this.steps.pop();
    const before = this.steps.at(-1);
    if (before) this.replaceOutline(before);
    return true;
  }

  /** What the pointer does in an edit: drag corners, draw a line that reshapes, or wipe corners away. */
  useTool(tool: EditTool): void {
    this.stopErasing?.();
    this.stopErasing = null;
    const wasReshaping = state.editTool.value === "reshape";
    state.editTool.value = tool;
    if (!this.terraDraw || this.tool !== "edit") return;
    if (tool === "reshape") this.terraDraw.setMode("linestring");
    else if (wasReshaping) this.reloadOutline();
    if (tool === "erase") this.stopErasing = this.startErasing();
  }

  /** Choose the next corner, or the one before, and bring it to the cross. */
  chooseCorner(step: 1 | -1): void {
    const corners = this.corners();
    if (!corners.length) return;
    this.chosenCorner = (this.chosenCorner + step + corners.length) % corners.length;
    const corner = corners[this.chosenCorner];
    if (corner) this.map.jumpTo({ center: corner.position });
  }

  /** A shape or a line is finished, or a corner was dragged. */
  private handleFinish(): void {
    if (!this.movesCorners) this.finishShape();
    else if (state.editTool.value === "reshape") this.reshapeByLine();
    else this.recordStep();
  }

  private reshapeByLine(): void {
    const line = cuttingLineOf(this.terraDraw?.getSnapshot() ?? []);
    this.useTool("corners"); // which drops the line
    const refusal = "Draw the line so that it crosses the outline twice, and itself nowhere";
    if (line) this.changeOutline((outline) => reshapeOutline(outline, line.coordinates), refusal);
  }

  /** Let the pointer, or a finger, wipe away the corners that it passes; returns what ends it. */
  private startErasing(): () => void {
    const container = this.map.getCanvasContainer();
    const isDown = (event: PointerEvent): boolean => event.type === "pointerdown" || event.buttons > 0;
    const wipe = (event: PointerEvent): void => {
      event.stopPropagation(); // Terra Draw would drag
      if (event.type === "pointerup") return this.recordStep();
      if (!isDown(event)) return;
      const { left, top } = container.getBoundingClientRect();
      this.wipeCorners(event.clientX - left, event.clientY - top);
    };
    const events = ["pointerdown", "pointermove", "pointerup"] as const;
    for (const name of events) container.addEventListener(name, wipe, { capture: true });
    this.map.dragPan.disable();
    return () => {
      for (const name of events) container.removeEventListener(name, wipe, { capture: true });
      this.map.dragPan.enable();
    };
  }

  /** Remove the corners within reach of a place on the screen, as long as each ring keeps three. */
  private wipeCorners(x: number, y: number): void {
    const outline = this.editedOutline();
    const isNear = (corner: Position): boolean => {
      const place = this.map.project([corner[0] ?? 0, corner[1] ?? 0]);
      return Math.hypot(place.x - x, place.y - y) <= ERASER_RADIUS;
    };
    if (!outline || !this.corners().some(({ position }) => isNear(position))) return;
    const left = removeCorners(outline, isNear);
    if (left) this.replaceOutline(left);
  }

  /** The outline as it is now. */
  private editedOutline(): Outline | null {
    const features = this.terraDraw?.getSnapshot() ?? [];
    return outlineOf(features.filter(({ properties }) => properties.mode === "polygon"));
  }

  private recordStep(): void {
    const outline = this.editedOutline();
    if (this.tool === "edit" && outline && JSON.stringify(outline) !== JSON.stringify(this.steps.at(-1)))
      this.steps.push(outline);
  }

  private reloadOutline(): void {
    const outline = this.editedOutline();
    if (outline) this.replaceOutline(outline);
  }

  private replaceOutline(outline: Outline): void {
    this.terraDraw?.clear();
    this.terraDraw?.setMode(TERRA_DRAW_MODES.edit);
    this.loadShape(outline);
  }

  /** Remove the corner that was set last. */
  undoCorner(): void {
    if (this.terraDraw?.canUndo()) this.terraDraw.undo();
  }

  /** The corners of all rings that are edited, ring after ring. */
  private corners(): Corner[] {
    return this.features().flatMap(({ id, geometry }) => {
      if ((geometry.type !== "Polygon" && geometry.type !== "LineString") || id === undefined) return [];
      const ring = geometry.type === "Polygon" ? (geometry.coordinates[0] ?? []) : geometry.coordinates;
      const first = geometry.type === "Polygon" ? 1 : 0; // a ring's first position comes again as its last
      return ring
        .slice(first)
        .map(([x = 0, y = 0], index): Corner => ({ featureId: id, ring, index: index + first, position: [x, y] }));
    });
  }

  /** Give a shape to Terra Draw, ring by ring, and select its first one. */
  private loadShape(shape: DrawnShape): void {
    const features = shape.type === "LineString" ? [lineFeature(shape)] : ringFeatures(shape);
    const added = this.terraDraw?.addFeatures(features) ?? [];
    const first = added.find(({ valid }) => valid)?.id;
    if (first !== undefined) this.terraDraw?.selectFeature(first);
  }

  /** Press a key on the map's canvas, where Terra Draw listens. */
  private sendKey(key: string): void {
    for (const type of ["keydown", "keyup"])
      this.map.getCanvas().dispatchEvent(new KeyboardEvent(type, { key, bubbles: false }));
  }

  /** Send a pointer event to the middle of the map. */
  private sendPointer(type: "pointermove" | "pointerdown" | "pointerup"): void {
    const canvas = this.map.getCanvas();
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const position = { clientX: left + width / 2, clientY: top + height / 2 };
    const buttons = { button: type === "pointermove" ? -1 : 0, buttons: type === "pointerdown" ? 1 : 0 };
    const pointer = { pointerId: 1, isPrimary: true, pointerType: "mouse", bubbles: true };
    canvas.dispatchEvent(new PointerEvent(type, { ...position, ...buttons, ...pointer }));
  }
}

const isSamePlace =
  ([x, y]: Position) =>
  (corner: Position): boolean =>
    corner[0] === x && corner[1] === y;
/** The features of an outline's rings; the properties `part` and `place` say where each belongs in the outline. */
function ringFeatures(outline: Outline): GeoJSONStoreFeatures[] {
  const polygons = outline.type === "Polygon" ? [outline.coordinates] : outline.coordinates;
  return polygons.flatMap((rings, part) =>
    rings.map((ring, place): GeoJSONStoreFeatures => {
      const geometry = { type: "Polygon" as const, coordinates: [ring.map(roundPosition)] };
      return { type: "Feature", geometry, properties: { mode: "polygon", part, place } };
    }),
  );
}

const lineFeature = ({ coordinates }: LineString): GeoJSONStoreFeatures => ({
  type: "Feature",
  geometry: { type: "LineString", coordinates: coordinates.map(roundPosition) },
  properties: { mode: "linestring" },
});

/** What is being drawn without the corner that follows the pointer. */
function withoutPointer(feature: GeoJSONStoreFeatures): GeoJSONStoreFeatures {
  const { geometry, properties } = feature;
  const count = Number(properties.committedCoordinateCount ?? 0);
  if (geometry.type === "LineString")
    return { ...feature, geometry: { ...geometry, coordinates: geometry.coordinates.slice(0, count) } };
  if (geometry.type !== "Polygon") return feature;
  const corners = geometry.coordinates[0]?.slice(0, count) ?? [];
  return { ...feature, geometry: { ...geometry, coordinates: [[...corners, ...corners.slice(0, 1)]] } };
}

const roundPosition = ([x = 0, y = 0]: Position): Position => [roundDegrees(x), roundDegrees(y)];

const roundDegrees = (degrees: number): number => Number(degrees.toFixed(PRECISION));

/** Terra Draw's modes for the three tools. */
function terraDrawModes() {
  const keyEvents = { finish: "Enter", cancel: null };
  const coordinates = { midpoints: { draggable: true }, draggable: true, deletable: true };
  return [
    new TerraDrawPolygonMode({ keyEvents, styles: POLYGON_STYLE }),
    new TerraDrawLineStringMode({ keyEvents, styles: LINE_STYLE }),
    new TerraDrawSelectMode({
      keyEvents: null,
      allowManualDeselection: false,
      pointerDistance: 20,
      styles: SELECTED_RING_STYLE,
      flags: {
        polygon: { feature: { draggable: false, coordinates } },
        linestring: { feature: { draggable: false, coordinates } },
      },
    }),
  ];
}

/** The first line of at least two positions. */
function cuttingLineOf(features: GeoJSONStoreFeatures[]): LineString | null {
  const line = features.find(({ geometry }) => geometry.type === "LineString" && geometry.coordinates.length > 1);
  return (line?.geometry as LineString | undefined) ?? null;
}

/** Put the rings together by `part` and `place`: a part's first ring is its border, the others are its holes. */
function outlineOf(features: GeoJSONStoreFeatures[]): Outline | null {
  const parts = new Map<unknown, { place: number; ring: Position[] }[]>();
  for (const { geometry, properties } of features) {
    const ring = geometry.type === "Polygon" ? geometry.coordinates[0] : undefined;
    if (!ring || ring.length < 4) continue;
    const rings = parts.get(properties.part) ?? [];
    rings.push({ place: Number(properties.place ?? 0), ring });
    parts.set(properties.part, rings);
  }
  const polygons = [...parts.values()].map((rings) => rings.sort((a, b) => a.place - b.place).map(({ ring }) => ring));
  return polygons.length ? { type: "MultiPolygon", coordinates: polygons } : null;
}
