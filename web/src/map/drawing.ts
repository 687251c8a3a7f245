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

const PRECISION = 9; // decimals of a degree: a tenth of a millimetre
const COLOUR = "#ffffff";
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
  private chosenCorner = -1;
  private onFinish: (shape: DrawnShape) => void = () => {};

  constructor(map: MapLibre) {
    this.map = map;
  }

  /**
   * Begin to draw; what was being drawn before is dropped.
   *
   * @param outline - The outline to edit; null for the other tools.
   * @param onFinish - Called with the shape when it is finished, by `finishShape` or by the pointer.
   */
  begin(tool: DrawingTool, outline: Outline | null, onFinish: (shape: DrawnShape) => void): void {
    this.stop();
    this.tool = tool;
    this.onFinish = onFinish;
    this.chosenCorner = -1;
    const terraDraw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map: this.map, coordinatePrecision: PRECISION }),
      undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
      modes: terraDrawModes(),
    });
    terraDraw.start();
    terraDraw.setMode(TERRA_DRAW_MODES[tool]);
    terraDraw.on("finish", () => {
      if (this.tool !== "edit") queueMicrotask(() => this.finishShape());
    });
    this.terraDraw = terraDraw;
    if (outline) this.loadOutline(outline);
    byId("cross").hidden = false;
  }

  /** End drawing and call `onFinish`; returns false, and goes on, where nothing complete has been drawn. */
  finishShape(): boolean {
    if (!this.terraDraw) return false;
    if (this.tool !== "edit") this.sendKey("Enter"); // Terra Draw closes what is still open, and may finish by this
    if (!this.terraDraw) return true;
    const mode = this.tool === "split" ? "linestring" : "polygon";
    const features = this.terraDraw.getSnapshot().filter(({ properties }) => properties.mode === mode);
    const shape = this.tool === "split" ? cuttingLineOf(features) : outlineOf(features);
    if (!shape) return false;
    const onFinish = this.onFinish;
    this.stop();
    onFinish(shape);
    return true;
  }

  /** End drawing without a shape. */
  stop(): void {
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
    const last = corner.ring.length - 1; // a ring's last position is its first
    const ring = corner.ring.map((position, index) => (index % last === corner.index % last ? moved : position));
    this.terraDraw.deselectFeature(corner.featureId);
    this.terraDraw.updateFeatureGeometry(corner.featureId, { type: "Polygon", coordinates: [ring] });
    this.terraDraw.selectFeature(corner.featureId);
    this.map.jumpTo({ center: [lng, lat] });
  }

  /** Choose the next corner, or the one before, and bring it to the cross. */
  chooseCorner(step: 1 | -1): void {
    const corners = this.corners();
    this.chosenCorner = (this.chosenCorner + step + corners.length) % corners.length;
    const corner = corners[this.chosenCorner];
    if (corner) this.map.jumpTo({ center: corner.position });
  }

  /** Remove the corner that was set last. */
  undoCorner(): void {
    if (this.terraDraw?.canUndo()) this.terraDraw.undo();
  }

  /** The corners of all rings that are edited, ring after ring. */
  private corners(): Corner[] {
    return (this.terraDraw?.getSnapshot() ?? []).flatMap(({ id, geometry, properties }) => {
      if (geometry.type !== "Polygon" || properties.mode !== "polygon" || id === undefined) return [];
      const ring = geometry.coordinates[0] ?? [];
      return ring
        .slice(1)
        .map(([x = 0, y = 0], index): Corner => ({ featureId: id, ring, index: index + 1, position: [x, y] }));
    });
  }

  /** Give each ring to Terra Draw; the properties `part` and `place` say where it belongs in the outline. */
  private loadOutline(outline: Outline): void {
    const polygons = outline.type === "Polygon" ? [outline.coordinates] : outline.coordinates;
    const rings = polygons.flatMap((rings, part) =>
      rings.map((ring, place): GeoJSONStoreFeatures => {
        const coordinates = [ring.map(([x = 0, y = 0]) => [roundDegrees(x), roundDegrees(y)])];
        return {
          type: "Feature",
          geometry: { type: "Polygon", coordinates },
          properties: { mode: "polygon", part, place },
        };
      }),
    );
    const added = this.terraDraw?.addFeatures(rings) ?? [];
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
      flags: { polygon: { feature: { draggable: false, coordinates } } },
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
