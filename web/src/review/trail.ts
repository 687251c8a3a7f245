// The way that the reviewer has gone from landslide to landslide.

const MAX_LENGTH = 1000; // landslides that are kept

/**
 * Ids of landslides in the order in which they were looked at, with a place in it, as a browser's history has.
 *
 * @example
 * trail.visit("a"); trail.visit("b");
 * trail.back(); // "a", also where it was decided on meanwhile
 */
export class Trail {
  private ids: string[] = [];
  private place = -1;

  /** Note that a landslide is looked at; what came after the present place is forgotten. */
  visit(id: string): void {
    if (this.ids[this.place] === id) return;
    this.ids = [...this.ids.slice(0, this.place + 1), id].slice(-MAX_LENGTH);
    this.place = this.ids.length - 1;
  }

  /** Go to the landslide before; undefined, and stay, where there is none. */
  back(): string | undefined {
    return this.go(-1);
  }

  /** Go to the landslide from which `back` came; undefined, and stay, where there is none. */
  forward(): string | undefined {
    return this.go(1);
  }

  private go(step: 1 | -1): string | undefined {
    const id = this.ids[this.place + step];
    if (id !== undefined) this.place += step;
    return id;
  }
}
