// A screen that nobody touches: everything as large as fits; and where even small it doesn't, one screenful after another.

// Of the usual size of text.
const SMALLEST = 1;
const LARGEST = 3;
const LOOK = 12000;

export class Kiosk {
  constructor(main) {
    this.main = main;
    this.due = 0;
    document.documentElement.classList.add("kiosk");
    main.tabIndex = -1;
    addEventListener("resize", () => this.fit());
    setInterval(() => this.turn(), LOOK);
  }

  // As large as fits. A burst of changes is fitted once.
  fit() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => {
      const fits = (scale) => {
        document.documentElement.style.setProperty("--scale", scale);
        return this.main.scrollHeight <= this.main.clientHeight;
      };
      if (fits(LARGEST)) return;
      let [from, to] = [SMALLEST, LARGEST];
      while (fits(from) && to - from > 0.05) {
        const middle = (from + to) / 2;
        if (fits(middle)) from = middle;
        else to = middle;
      }
    });
  }

  // The next screenful: from the first tile that isn't wholly seen; after the last, the first.
  turn() {
    const { scrollTop, clientHeight, scrollHeight } = this.main;
    const end = this.main.getBoundingClientRect().bottom;
    const next = [...this.main.querySelectorAll("li:not([hidden])")].find((item) => item.getBoundingClientRect().bottom > end + 1);
    const last = scrollTop + clientHeight >= scrollHeight - 2;
    const top = last || !next ? 0 : scrollTop + next.getBoundingClientRect().top - this.main.getBoundingClientRect().top - 8;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.main.scrollTo({ top, behavior: still ? "instant" : "smooth" });
  }
}
