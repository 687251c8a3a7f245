// Outlines and cutting lines, drawn and edited with Terra Draw; by keyboard as well as by pointer.
//
// Terra Draw knows polygons without holes. So each ring is a polygon of its own while it is edited, and
// they are put together again at the end. By keyboard the arrows move the map below a cross in its
// middle: Space sets or takes up a corner there, as a click would, and Enter ends.
import type { Position } from "geojson";
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
import type { Outline } from "../server/types.ts";

const PRECISION = 9; // decimals of a degree: a tenth of a millimetre
const COLOUR = "#ffffff";
const ringStyle = {
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
const drawnStyle = { fillColor: COLOUR, fillOpacity: 0.08, outlineColor: COLOUR, outlineWidth: 2.5 } as const;

type DrawingTool = "edit" | "draw" | "split";
const TERRA_DRAW_MODES = { edit: "select", draw: "polygon", split: "linestring" } as const;

export class OutlineEditor {
  private readonly map: MapLibre;
  private terraDraw: TerraDraw | null = null;
  private tool: DrawingTool = "draw";
  private chosenCorner = -1;
  private onFinish: (shape: Outline | GeoJSON.LineString) => void = () => {};

  constructor(map: MapLibre) {
    this.map = map;
  }

  /** Begin; `finish` gets what came of it. */
  begin(tool: DrawingTool, outline: Outline | null, onFinish: (shape: Outline | GeoJSON.LineString) => void): void {
    this.stop();
    this.tool = tool;
    this.onFinish = onFinish;
    this.chosenCorner = -1;
    const keys = { finish: "Enter", cancel: null };
    const draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map: this.map, coordinatePrecision: PRECISION }),
      undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
      modes: [
        new TerraDrawPolygonMode({ keyEvents: keys, styles: drawnStyle }),
        new TerraDrawLineStringMode({ keyEvents: keys, styles: { lineStringColor: COLOUR, lineStringWidth: 2.5 } }),
        new TerraDrawSelectMode({
          keyEvents: null,
          allowManualDeselection: false,
          pointerDistance: 20,
          styles: ringStyle,
          flags: {
            polygon: {
              feature: {
                draggable: false,
                coordinates: { midpoints: { draggable: true }, draggable: true, deletable: true },
              },
            },
          },
        }),
      ],
    });
    draw.start();
    draw.setMode(TERRA_DRAW_MODES[tool]);
    draw.on("finish", () => {
      if (this.tool !== "edit") queueMicrotask(() => this.finishShape());
    });
    this.terraDraw = draw;
    if (outline) this.loadOutline(outline);
    byId("cross").hidden = false;
  }

  /** Hand over what was drawn; whether there was anything. */
  finishShape(): boolean {
    if (!this.terraDraw) return false;
    if (this.tool !== "edit") this.sendKey("Enter"); // closes what is still being drawn
    if (!this.terraDraw) return true;
    const drawn = this.terraDraw
      .getSnapshot()
      .filter((feature) => feature.properties.mode === (this.tool === "split" ? "linestring" : "polygon"));
    const shape = this.tool === "split" ? cuttingLineOf(drawn) : outlineOf(drawn);
    if (!shape) return false;
    const finish = this.onFinish;
    this.stop();
    finish(shape);
    return true;
  }

  stop(): void {
    this.terraDraw?.stop();
    this.terraDraw = null;
    byId("cross").hidden = true;
  }

  /** Set or take up a corner in the middle of the map, as a click there would. */
  clickAtCentre(): void {
    this.sendPointer("pointermove");
    this.sendPointer("pointerdown");
    this.sendPointer("pointerup");
  }

  /** Move the chosen corner by pixels, and the map with it. */
  moveCorner(right: number, down: number): void {
    const corner = this.corners()[this.chosenCorner];
    if (!this.terraDraw || !corner) return;
    const { x, y } = this.map.project(corner.at);
    const { lng, lat } = this.map.unproject([x + right, y + down]);
    const moved = [lng, lat].map((degrees) => Number(degrees.toFixed(PRECISION)));
    const last = corner.ring.length - 1; // a ring's last corner is its first
    const ring = corner.ring.map((other, place) => (place % last === corner.place % last ? moved : other));
    this.terraDraw.deselectFeature(corner.id);
    this.terraDraw.updateFeatureGeometry(corner.id, { type: "Polygon", coordinates: [ring] });
    this.terraDraw.selectFeature(corner.id);
    this.map.jumpTo({ center: [lng, lat] });
  }

  /** Choose the next corner, and bring it to the cross. */
  chooseCorner(by: 1 | -1): void {
    const corners = this.corners();
    this.chosenCorner = (this.chosenCorner + by + corners.length) % corners.length;
    const corner = corners[this.chosenCorner];
    if (corner) this.map.jumpTo({ center: corner.at });
  }

  /** Take the last corner back. */
  undoCorner(): void {
    if (this.terraDraw?.canUndo()) this.terraDraw.undo();
  }

  /** The corners of all rings that are edited, one after the other. */
  private corners(): { id: string | number; ring: Position[]; place: number; at: [number, number] }[] {
    return (this.terraDraw?.getSnapshot() ?? []).flatMap(({ id, geometry, properties }) => {
      if (geometry.type !== "Polygon" || properties.mode !== "polygon" || id === undefined) return [];
      const ring = geometry.coordinates[0] ?? [];
      return ring
        .slice(1)
        .map(([x = 0, y = 0], place) => ({ id, ring, place: place + 1, at: [x, y] as [number, number] }));
    });
  }

  private loadOutline(outline: Outline): void {
    const polygons = outline.type === "Polygon" ? [outline.coordinates] : outline.coordinates;
    const round = ([x = 0, y = 0]: Position): Position => [Number(x.toFixed(PRECISION)), Number(y.toFixed(PRECISION))];
    const rings = polygons.flatMap((rings, part) =>
      rings.map((ring, place): GeoJSONStoreFeatures => ({
        type: "Feature",
        geometry: { type: "Polygon", coordinates: [ring.map(round)] },
        properties: { mode: "polygon", part, place },
      })),
    );
    const added = this.terraDraw?.addFeatures(rings) ?? [];
    const first = added.find(({ valid }) => valid)?.id;
    if (first !== undefined) this.terraDraw?.selectFeature(first);
  }

  private sendKey(key: string): void {
    for (const kind of ["keydown", "keyup"])
      this.map.getCanvas().dispatchEvent(new KeyboardEvent(kind, { key, bubbles: false }));
  }

  private sendPointer(kind: string): void {
    const canvas = this.map.getCanvas();
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const at = { clientX: left + width / 2, clientY: top + height / 2 };
    const pressed = { button: kind === "pointermove" ? -1 : 0, buttons: kind === "pointerdown" ? 1 : 0 };
    canvas.dispatchEvent(
      new PointerEvent(kind, { ...at, ...pressed, pointerId: 1, isPrimary: true, pointerType: "mouse", bubbles: true }),
    );
  }
}

function cuttingLineOf(drawn: GeoJSONStoreFeatures[]): GeoJSON.LineString | null {
  const found = drawn.find(({ geometry }) => geometry.type === "LineString" && geometry.coordinates.length > 1);
  return (found?.geometry as GeoJSON.LineString | undefined) ?? null;
}

/** Put the rings together: those of a part are its border first, and then its holes. */
function outlineOf(drawn: GeoJSONStoreFeatures[]): Outline | null {
  const parts = new Map<unknown, { place: number; ring: Position[] }[]>();
  for (const { geometry, properties } of drawn) {
    const ring = geometry.type === "Polygon" ? geometry.coordinates[0] : undefined;
    if (!ring || ring.length < 4) continue;
    const rings = parts.get(properties.part) ?? [];
    rings.push({ place: Number(properties.place ?? 0), ring });
    parts.set(properties.part, rings);
  }
  const polygons = [...parts.values()].map((rings) => rings.sort((a, b) => a.place - b.place).map(({ ring }) => ring));
  return polygons.length ? { type: "MultiPolygon", coordinates: polygons } : null;
}
