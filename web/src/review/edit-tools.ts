// The tools of an edit beyond dragging corners, each with a key that holds while an outline is edited.
import { showNotice } from "../lib/notice.ts";
import { simplifyOutline, smoothOutline } from "../lib/outline-edits.ts";
import type { OutlineEditor } from "../map/drawing.ts";
import { type EditTool, state } from "../state.ts";

/** A tool, its name on its button, and its key. */
export interface EditToolDefinition {
  label: string;
  key: string;
  /** The use of the pointer that the tool switches on and off; without one it acts at once. */
  tool?: EditTool;
  run: (editor: OutlineEditor) => void;
}

export const EDIT_TOOLS: readonly EditToolDefinition[] = [
  { label: "Smooth", key: "s", run: (editor) => editor.changeOutline(smoothOutline) },
  { label: "Simplify", key: "m", run: (editor) => editor.changeOutline(simplifyOutline) },
  { label: "Reshape", key: "r", tool: "reshape", run: (editor) => toggleTool(editor, "reshape") },
  { label: "Wipe corners", key: "d", tool: "erase", run: (editor) => toggleTool(editor, "erase") },
  { label: "Undo a step", key: "z", run: undoStep },
];

export const EDIT_TOOL_HINTS: Record<EditTool, string> = {
  corners:
    "Drag corners · Tab next corner, Shift+arrows move it, Delete removes it · S M R D Z: tools · Enter keeps, Esc leaves",
  reshape:
    "Draw a line that crosses the outline twice: click, or Space at the cross · Enter ends the line, Esc drops it",
  erase: "Drag over the corners that are to go, or Tab to one and Delete · D or Esc ends",
};

/** Take the last step of the edit back, never a decision. */
export function undoStep(editor: OutlineEditor): void {
  if (state.editTool.value === "reshape") editor.useTool("corners");
  else if (!editor.undoStep()) showNotice("Nothing is left to take back in this edit; Esc leaves it");
}

function toggleTool(editor: OutlineEditor, tool: EditTool): void {
  editor.useTool(state.editTool.value === tool ? "corners" : tool);
}
