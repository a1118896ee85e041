// A node's light: what it shows, in what words, and how that looks on a screen. Draws only what has changed.

// An LED's value is linear in light and a screen's isn't: the exponent is that of the watcher's terminal, 1 / 2.2. And an LED is a
// lamp that one looks into: exposed twice as bright, the usual 25 to 50 of 255 are as vivid as on the desk.
const EXPOSURE = 2;
const screen = (part) => Math.min(255, Math.round((part / 255) ** (1 / 2.2) * 255 * EXPOSURE));

// Cycles that the contract leaves to the light, in ms: of a person's look, and of the two layers that look alike everywhere.
const CYCLE = { PULSE: 2000, BLINK: 1000 };
const LAYER_CYCLE = { STALE: 4000, IDENTIFY: 400 };

const DARK = { rgb: 0, effect: "SOLID" };

const CONDITIONS = {
  NONE: "no light", UNKNOWN: "light unknown", OUT_OF_REACH: "light out of reach", FENCED: "obeys another watcher",
  REFUSES: "light refuses", STALE: "light is stale", NO_STICK: "no stick", HELD: "held", SHOWS: "",
};
const WRONG = new Set(["OUT_OF_REACH", "FENCED", "REFUSES", "STALE", "NO_STICK"]);

export const condition = (node) => node.light?.condition ?? "UNKNOWN";
export const isWrong = (node) => WRONG.has(condition(node));

// What is to be said of it. Nothing where it shows what it is told.
export function words(node) {
  const state = node.light?.state;
  if (condition(node) !== "HELD") return CONDITIONS[condition(node)] ?? "";
  const by = state?.owner ? ` by ${state.owner}` : "";
  return state?.layer === "IDENTIFY" ? `is looked for${by}` : `held${by}`;
}

// {shape, leds: [{rgb, effect, period}]}: a stick as it says that it shines, a lantern where there is none, blind where nobody knows.
export function shine(node) {
  const state = node.light?.state;
  const looks = (node.looks ?? []).map(({ rgb = 0, effect = "MORPH", period }) => (
    { rgb, effect, period: ms(period, effect) }
  ));
  switch (condition(node)) {
    case "NONE":
    case "UNKNOWN":
      return { shape: "lantern", leds: looks };
    case "OUT_OF_REACH":
    case "NO_STICK":
      return { shape: "blind", leds: new Array(Math.max(1, Math.min(state?.ledCount ?? looks.length, 8))).fill(DARK) };
  }
  const leds = (state?.leds ?? []).map((led, i, all) => {
    const effect = led.effect ?? "SOLID";
    const told = looks[Math.floor((i * looks.length) / all.length)];
    const same = led.layer === "WATCHER" && told?.effect === effect;
    const period = LAYER_CYCLE[led.layer] ?? (same ? told.period : CYCLE[effect]);
    return { rgb: parseInt(led.color.slice(1), 16), effect, period };
  });
  return leds.length ? { shape: "stick", leds } : { shape: "blind", leds: [DARK] };
}

const ms = (period, effect) => (period ? parseFloat(period) * 1000 : CYCLE[effect]);

// Shows it in `stick`.
export function paint(stick, node) {
  const { shape, leds } = shine(node);
  const count = leds.length;
  let row = stick.querySelector(".leds");
  if (stick.dataset.shape !== shape || row?.childElementCount !== count) {
    stick.dataset.shape = shape;
    stick.className = `stick ${shape}`;
    stick.dataset.leds = count <= 2 ? count : count <= 8 ? "several" : count <= 32 ? "row" : "many";
    stick.style.setProperty("--columns", Math.min(count, count <= 32 ? 16 : 32));
    row = span("leds", ...leds.map(() => span("led off")));
    stick.replaceChildren(span("sockets", row));
  }
  // A rhythm that all LEDs have is the row's, and theirs a plain color.
  const [{ effect, period }] = leds;
  const one = CYCLE[effect] && leds.every((led) => led.effect === effect && led.period === period);
  beat(row, "leds", one ? effect : "SOLID", period);
  leds.forEach((led, i) => light(row.children[i], one ? { ...led, effect: "SOLID" } : led));
}

function light(led, { rgb, effect, period }) {
  beat(led, rgb ? "led" : "led off", effect, period);
  // That which goes dark fades from its color.
  if (!rgb || led.rgb === rgb) return;
  led.rgb = rgb;
  const parts = [rgb >> 16, (rgb >> 8) & 255, rgb & 255].map(screen);
  // The brighter a lamp, the whiter its heart.
  const bright = Math.max(...parts) / 255;
  const heart = parts.map((part) => Math.round(part + (255 - part) * 0.5 * bright));
  led.style.setProperty("--c", `rgb(${parts.join(" ")})`);
  led.style.setProperty("--h", `rgb(${heart.join(" ")})`);
}

function beat(el, name, effect, period) {
  const look = `${name} ${effect} ${period}`;
  if (el.look === look) return;
  el.look = look;
  el.className = `${name} ${effect.toLowerCase()}`;
  if (CYCLE[effect]) el.style.setProperty("--period", `${period}ms`);
}

// All of one rhythm beat together, whenever they begin.
document.addEventListener("animationstart", ({ target }) => {
  if (target.matches(".leds, .led")) for (const rhythm of target.getAnimations()) rhythm.startTime = 0;
});

function span(name, ...children) {
  const el = document.createElement("span");
  el.className = name;
  el.append(...children);
  return el;
}
