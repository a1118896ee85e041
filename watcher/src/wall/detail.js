// All about one node, as the watcher explains it, for as long as somebody looks.

import { condition, paint, words } from "./light.js";
import { kind, rank } from "./tile.js";

const LAYERS = {
  IDLE: "nobody has spoken yet", STALE: "stale: nobody vouches for it", WATCHER: "the watcher", MANUAL: "a person",
  IDENTIFY: "someone looks for it",
};

export class Detail {
  constructor(dialog) {
    this.dialog = dialog;
    this.acts = false;
    this.name = null;
    this.said = "";
    dialog.addEventListener("close", () => {
      this.name = null;
      this.asked?.abort();
      history.replaceState(null, "", location.pathname + location.search);
    });
    // Beside it is outside.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open(node) {
    this.name = node.name;
    this.said = "";
    history.replaceState(null, "", `#${encodeURIComponent(node.name)}`);
    this.draw({ node });
    if (!this.dialog.open) this.dialog.showModal();
    this.ask();
  }

  // These nodes are other than they were, and those are gone. An address may name one from the start.
  learn(nodes, gone) {
    if (gone.includes(this.name)) this.ask();
    const name = this.name ?? asked();
    const node = name && nodes.find((node) => node.name === name);
    if (!node) return;
    if (this.name) this.ask();
    else this.open(node);
  }

  // What shows is no longer so; or it is, where there is no sign.
  doubt(sign) {
    this.sign = sign;
    const note = this.dialog.querySelector(".asof");
    if (!note || note.textContent === sign) return;
    note.textContent = sign;
    note.hidden = !sign;
  }

  async ask() {
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const answer = await fetch(`nodes/${encodeURIComponent(this.name)}`, { signal: asked.signal });
      const said = await answer.json();
      if (!asked.signal.aborted) this.draw(answer.ok ? said : { ...this.shown, error: said.error });
    } catch {
      // Cut off, and the page says so; or no longer wanted.
    }
  }

  draw(said) {
    this.shown = said;
    const { node, rule, worst, conditions, error } = said;
    const focus = document.activeElement?.dataset?.key;
    const [, group, word] = kind(node.verdict);
    const stick = h("span", { className: "stick", ariaHidden: "true" });
    const since = node.reason?.since ? `, for ${ago(node.reason.since)}` : "";
    const close = h("button", {
      type: "button", className: "close", ariaLabel: "Close", textContent: "✕", onclick: () => this.dialog.close(),
    });
    close.dataset.key = "close";
    const old = this.dialog.querySelector(".stick");
    this.dialog.replaceChildren(
      old ?? stick, close,
      h("div", { className: "body" },
        h("p", { className: "asof", textContent: this.sign ?? "", hidden: !this.sign }),
        h("h2", { id: "detail-name", textContent: node.name }),
        h("p", { className: `why ${group}` }, h("span", { className: "verdict", textContent: word }), since),
        h("p", { className: "why", textContent: node.reason?.text ?? "" }),
        rule && h("p", { className: "rule", textContent: `Decided by the rule ${rule}.` }),
        error && h("p", { className: "asof", textContent: error }),
        this.acts && this.buttons(node),
        ...pods(node, worst), ...light(node), ...told(conditions)));
    paint(old ?? stick, node);
    if (focus) this.dialog.querySelector(`[data-key="${focus}"]`)?.focus();
  }

  buttons(node) {
    const reached = !["NONE", "UNKNOWN", "OUT_OF_REACH"].includes(condition(node));
    const wrong = rank(node) > kind("RUNNING")[0];
    const seen = !!node.acknowledgement;
    // The same stay, so that nobody is disturbed while typing.
    const able = `${node.name} ${reached} ${wrong} ${seen}`;
    const old = this.dialog.querySelector(".acts");
    if (old?.able === able) {
      old.querySelector(".said").textContent = this.said;
      return old;
    }
    const who = h("input", {
      value: old?.querySelector("input").value ?? recall(), placeholder: "Your name", ariaLabel: "Your name",
      maxLength: 32, autocomplete: "off",
    });
    who.dataset.key = "who";
    const button = (key, label, able, wish) => {
      const act = () => this.act(key, { ...wish, owner: who.value });
      const el = h("button", { type: "button", textContent: label, disabled: !able, onclick: act });
      el.dataset.key = key;
      return el;
    };
    const acts = h("div", { className: "acts", role: "group", ariaLabel: "What you can do" }, who,
      button("identify", "Identify for 60 s", reached, { hold: "60s" }),
      seen ? button("acknowledge", "Nobody sees to it", true, { revoke: true })
        : button("acknowledge", "I see to it", wrong, {}),
      h("p", { className: "said", role: "status", textContent: this.said }));
    return Object.assign(acts, { able });
  }

  async act(what, wish) {
    remember(wish.owner);
    try {
      const answer = await fetch(`nodes/${encodeURIComponent(this.name)}/${what}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wish),
      });
      const said = await answer.json();
      this.said = answer.ok ? "Done." : said.error;
    } catch {
      this.said = "The watcher can’t be reached.";
    }
    if (this.name) this.draw(this.shown), this.ask();
  }
}

function pods(node, worst) {
  const counts = [...(node.pods ?? [])].reverse().map(({ state, count }) => `${count} ${kind(state)[2]}`).join(" · ");
  const rows = (worst ?? []).map((pod) => h("tr", {},
    h("td", { textContent: `${pod.namespace}/${pod.name}` }),
    h("td", { className: kind(pod.verdict)[1] }, h("span", { className: "state", textContent: pod.state })),
    h("td", { className: "number", textContent: pod.restarts || "" }),
    h("td", { className: "number", textContent: pod.since ? ago(pod.since) : "" })));
  const title = (text, i) => h("th", { scope: "col", textContent: text, className: i > 1 ? "number" : "" });
  const head = ["Pod", "State", "Restarts", "For"].map(title);
  return [
    h("h3", { textContent: "Pods" }), h("p", { className: "rule", textContent: counts || "none" }),
    rows.length > 0 && h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
  ];
}

function light(node) {
  const { light: { problem, url, state } = {} } = node;
  const left = (time) => time && `${Math.round(parseFloat(time))} s`;
  const ack = node.acknowledgement;
  return [
    h("h3", { textContent: "Light" }),
    list([
      ["is", words(node) || "shows what it is told"], ["trouble", problem], ["decides", state && LAYERS[state.layer]],
      ["reason", state?.reason === node.reason?.text ? "" : state?.reason], ["set by", state?.owner],
      ["for another", left(state?.remaining)], ...(state?.sticks ?? []).map((stick) => ["stick", said(stick)]),
      ["listens at", url],
    ]),
    ...(ack || node.cordoned ? [h("h3", { textContent: "People" }), list([
      ["seen to", ack && `${ack.owner ? `by ${ack.owner} ` : ""}for another ${span(parseFloat(ack.remaining))}`],
      ["cordoned", node.cordoned && "it takes no new pods"],
    ])] : []),
  ];
}

function said({ name, model, serial, leds, present, problem }) {
  return [model || name, serial, leds && `${leds} LEDs`, !present && "not there", problem].filter(Boolean).join(", ");
}

function told(conditions) {
  if (!conditions?.length) return [];
  const row = ({ type, status, reason, since }) => [type, [status, reason, since && `for ${ago(since)}`].filter(Boolean).join(", ")];
  return [h("h3", { textContent: "As Kubernetes tells it" }), list(conditions.map(row))];
}

function list(rows) {
  const both = ([key, value]) => [h("dt", { textContent: key }), h("dd", { textContent: value })];
  return h("dl", {}, ...rows.filter(([, value]) => value).flatMap(both));
}

// The node that the address names.
function asked() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

// Who acts here, for the next time. A browser may keep nothing.
function remember(owner) {
  try {
    localStorage.setItem("owner", owner);
  } catch {}
}

function recall() {
  try {
    return localStorage.getItem("owner") ?? "";
  } catch {
    return "";
  }
}

const ago = (time) => span((Date.now() - Date.parse(time)) / 1000);

function span(seconds) {
  const [most, unit] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([most]) => seconds >= 2 * most) ?? [1, "s"];
  return `${Math.max(0, Math.floor(seconds / most))} ${unit}`;
}

function h(tag, properties, ...children) {
  const el = Object.assign(document.createElement(tag), properties);
  el.append(...children.filter((child) => child || child === 0));
  return el;
}
