// Hears the watcher, and knows when it doesn't. Keeps no nodes.
//
// A connection can be dead and not say so: whoever hears nothing for SILENCE is cut off, though the watcher has a word at least
// every 3 s. Both clocks are asked, for one stands still while a machine sleeps, and the other can be set.

const SILENCE = 8000;
const AGAIN = 1500;

// on.hello(terms), on.news(message), on.heard() after each word, on.cut(why) whenever the connection is lost.
export function follow(on) {
  let source = null;
  let last = clocks();
  const open = () => {
    last = clocks();
    source = new EventSource("nodes");
    const hear = (what, take) => source.addEventListener(what, (event) => {
      last = clocks();
      take(event.data);
      on.heard();
    });
    hear("hello", (data) => on.hello(JSON.parse(data)));
    hear("message", (data) => on.news(JSON.parse(data)));
    hear("beat", () => {});
    source.addEventListener("refused", (event) => lose(JSON.parse(event.data).error));
    source.onerror = () => lose("The watcher can’t be reached.");
  };
  const lose = (why) => {
    if (!source) return;
    source.close();
    source = null;
    on.cut(why);
    setTimeout(open, AGAIN);
  };
  setInterval(() => {
    const now = clocks();
    if (Math.max(now[0] - last[0], now[1] - last[1]) > SILENCE) lose("The watcher has gone silent.");
  }, 500);
  open();
}

const clocks = () => [performance.now(), Date.now()];
