// A tile: a node at a glance. Keeps what it shows and changes no more than that; knows where among others it belongs.

import { condition, isWrong, paint, words } from "./light.js";

// By verdict, worst last: its rank, the group that it is counted and colored in, and what it is called.
const VERDICTS = {
  EMPTY: [1, "idle", "no pods"], COMPLETED: [2, "idle", "completed"], RUNNING: [3, "running", "running"],
  NODE_CORDONED: [4, "cordoned", "cordoned"], UPDATING: [5, "updating", "updating"], UNREADY: [6, "unready", "unready"],
  PENDING: [7, "pending", "pending"], DELETING: [8, "deleting", "deleting"], NODE_PRESSURE: [9, "pressure", "pressure"],
  FAILED: [10, "failed", "failed"], NODE_UNKNOWN: [11, "unknown", "unknown"],
  NODE_NOT_READY: [12, "notready", "not ready"],
};
const BAD = VERDICTS.FAILED[0];
const WELL = VERDICTS.UPDATING[0];
const names = new Intl.Collator("en", { numeric: true });
const template = document.getElementById("tile");

export const kind = (verdict) => VERDICTS[verdict] ?? [0, "idle", "unknown"];
export const rank = (node) => kind(node.verdict)[0];
export const isBad = (node) => rank(node) >= BAD;
export const isWell = (node) => rank(node) <= WELL && !isWrong(node);

// Worst first. What somebody sees to comes after what nobody does.
export function compare(a, b) {
  return rank(b.node) - rank(a.node)
    || !!a.node.acknowledgement - !!b.node.acknowledgement
    || isWrong(b.node) - isWrong(a.node)
    || names.compare(a.node.name, b.node.name);
}

// The groups that a node is counted in.
export function groups(node) {
  const all = [kind(node.verdict)[1]];
  if (isWrong(node)) all.push("dim");
  if (condition(node) === "HELD") all.push("held");
  return all;
}

export class Tile {
  constructor(node) {
    this.item = template.content.firstElementChild.cloneNode(true);
    this.button = this.item.firstElementChild;
    this.button.tile = this;
    for (const part of ["stick", "name", "verdict", "reason", "counts", "light", "bar"]) {
      this[part] = this.item.querySelector(`.${part}`);
    }
    this.show(node);
  }

  show(node) {
    this.node = node;
    const [, group, word] = kind(node.verdict);
    const pods = [...(node.pods ?? [])].reverse();
    const counts = pods.map(({ state, count }) => `${count} ${kind(state)[2]}`);
    const notes = [node.cordoned ? "cordoned" : "", words(node)].filter(Boolean).join(" · ");
    const reason = node.reason?.text ?? "";
    this.groups = groups(node);
    this.text = `${node.name} ${reason} ${word} ${notes}`.toLowerCase();
    this.button.className = `tile ${group}`;
    text(this.name, node.name);
    text(this.verdict, node.acknowledgement ? `${word}, seen to` : word);
    text(this.reason, reason);
    text(this.counts, counts.join(" · ") || "no pods");
    text(this.light, notes);
    this.light.toggleAttribute("data-wrong", isWrong(node) || condition(node) === "HELD");
    this.fill(pods);
    paint(this.stick, node);
  }

  fill(pods) {
    const bar = pods.map(({ state, count }) => `${kind(state)[1]} ${count}`).join();
    if (this.bar.shows === bar) return;
    this.bar.shows = bar;
    this.bar.replaceChildren(...pods.map(({ state, count }) => {
      const part = Object.assign(document.createElement("i"), { className: kind(state)[1] });
      part.style.setProperty("--n", count);
      return part;
    }));
  }
}

function text(el, text) {
  if (el.textContent !== text) el.textContent = text;
}
