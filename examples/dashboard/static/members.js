// Output ports, tech assets, consumers and domains: their names, their links, and one colour each for a whole page.

import { pageOf } from "./address.js";
import { element, spoken } from "./elements.js";
import { countText } from "./format.js";

const PAGES = ["output_port", "tech_asset", "consumer"];

/** As many as the palette has colours that can be told apart. */
export const COLOURS = 6;

/** The name as text: what stands in tooltips, where nothing can be linked. */
export function nameOf(member) {
    switch (member.kind) {
        case "other":
            return `Other (${countText(member.members)})`;
        case "no_group":
            return "No domain";
        default:
            return named(member);
    }
}

/** A name that is missing, or that nobody could see, is replaced by the id. */
function named({ id, label }) {
    return label === null || /^[\s\p{C}]*$/u.test(label) ? id : label;
}

/** The name as a link to the member's page. `bdi` keeps marks of direction inside. */
export function link(member) {
    const name = element("bdi", {}, nameOf(member));
    return PAGES.includes(member.kind) ? element("a", { href: pageOf(member.kind, member.id) }, name) : name;
}

/** What a row without a field `member` is of. */
export function memberOf(row) {
    if (row.member !== undefined) {
        return row.member;
    }
    return row.tech_asset_id === undefined
        ? { kind: "output_port", id: row.output_port_id, label: row.label }
        : { kind: "tech_asset", id: row.tech_asset_id, label: row.label };
}

/** The colours of a page: a member has the same in each of its charts. */
export class Colours {
    #names = new Map();

    /** Gives the first members a colour each. */
    constructor(members) {
        const plain = members.filter(({ id }) => id !== undefined);
        plain.slice(0, COLOURS).forEach(({ id }, at) => this.#names.set(id, `series-${at + 1}`));
    }

    /** The name of the member's colour in the style sheet. */
    of({ kind, id }) {
        return this.#names.get(id) ?? (kind === "no_group" ? "series-none" : "series-other");
    }
}

/** What the colours stand for. */
export function legend(members, colours) {
    const items = members.map((member) => {
        const swatch = element("span", { class: `swatch ${colours.of(member)}`, "aria-hidden": "true" });
        return element("li", {}, swatch, link(member));
    });
    return element("ul", { class: "legend" }, ...items);
}

/** How much of the most a row is; its number stands beside. */
export function bar(value, most, colour) {
    const filled = element("span", { class: `filled ${colour}` });
    filled.style.inlineSize = `${most === 0 ? 0 : (100 * value) / most}%`;
    return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}

/** The words of a coverage. */
export const COVERAGE = {
    measured: "measured",
    unsettled: "may still rise",
    partly: "measured in part",
    not_measured: "not measured",
};

/** What a reader must know of the days of a total, if anything. */
export function coverageNote(coverage) {
    return coverage === undefined || coverage === "measured"
        ? undefined
        : element("span", { class: `badge ${coverage}` }, COVERAGE[coverage]);
}

/** What the page is about. */
export function heading(kind, name) {
    return element("h1", {}, element("span", { class: "kind" }, kind, spoken(":")), " ", element("bdi", {}, name));
}
