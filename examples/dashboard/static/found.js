// What a search by name finds.

import { namesOf } from "./address.js";
import { answer } from "./api.js";
import { element } from "./elements.js";
import { link } from "./members.js";

const KINDS = [
    ["output_port", "Output ports"],
    ["tech_asset", "Tech assets"],
    ["consumer", "Consumers"],
];

export async function found(text) {
    const lists = await Promise.all(KINDS.map(([kind]) => answer(namesOf(kind, text))));
    const parts = KINDS.map(([kind, title], at) => list(title, lists[at].map((named) => ({ kind, ...named }))));
    const what = element("h1", { id: "found" }, "Named like “", element("bdi", {}, text), "”");
    return element("section", { class: "wide", "aria-labelledby": "found" }, what, ...parts.filter(Boolean), isNone(lists));
}

function list(title, members) {
    if (members.length === 0) {
        return undefined;
    }
    const items = members.map((member) => element("li", {}, link(member)));
    return element("div", {}, element("h2", {}, title), element("ul", {}, ...items));
}

function isNone(lists) {
    const isEmpty = lists.every((names) => names.length === 0);
    return isEmpty ? element("p", { class: "empty" }, "Nothing has such a name. Try a part of it.") : undefined;
}
