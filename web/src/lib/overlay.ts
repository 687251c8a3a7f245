// Overlays: the dialogs that lie over the page. All are modal `dialog` elements of index.html, so that the browser keeps
// the focus in them, closes them by Escape and gives the focus back to the element that had it.

/** The id of the overlay that lies on top; null where none is open. */
export function openOverlay(): string | null {
  const dialogs = document.querySelectorAll("dialog[open]");
  return dialogs.item(dialogs.length - 1)?.id ?? null;
}
