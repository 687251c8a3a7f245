// Find HTML elements, and make them where no component does.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

/**
 * Make an element with its attributes, listeners and children.
 *
 * An attribute whose value is a function becomes an event listener. `true` sets an attribute without a value;
 * `false`, `null` and `undefined` leave it out, and the same values are left out of the children, so that
 * `condition && el(...)` can stand among them.
 *
 * @example
 * el("button", { type: "button", class: "strong", click: () => dialog.close() }, "Close")
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.filter((child): child is Node | string => child instanceof Node || typeof child === "string"),
  );
  return element;
}

/** Find the element with this id in index.html; throws where there is none. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element as T;
}
