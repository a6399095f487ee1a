// The form above the charts: plain fields of a plain GET, filled with what the address says.

import { asked, lastDays, portal, searched } from "./address.js";
import { element } from "./elements.js";

const RANGES = [
    ["30", "30 days"],
    ["90", "90 days"],
    ["365", "a year"],
];

export function fillControls({ groups }, kind) {
    const form = document.getElementById("controls");
    const { days, from, until, granularity, compare, by, top } = form.elements;
    for (const [field, value] of Object.entries({ days, from, until, granularity, compare, by, top })) {
        value.value = asked[field] ?? "";
        // A word that no field offers is the API's to refuse.
        if (value.value === "" && value.tagName === "SELECT") {
            value.selectedIndex = -1;
        }
    }
    // A consumer's page is split by output port.
    by.disabled = by.closest("label").hidden = !groups || kind === "consumer";
    document.getElementById("ranges").replaceChildren(...RANGES.map(range));
    document.getElementById("home").href = portal();
    document.getElementById("q").value = searched;

    days.addEventListener("input", () => (from.value = until.value = ""));
    [from, until].forEach((field) => field.addEventListener("input", () => (days.value = "")));
    // The address holds what is asked for, and no empty fields.
    form.addEventListener("formdata", ({ formData }) => {
        [...formData].filter(([, value]) => value === "").forEach(([name]) => formData.delete(name));
    });
}

function range([days, name]) {
    const isCurrent = asked.days === days && asked.from === undefined && asked.until === undefined;
    return element("a", { href: lastDays(days), "aria-current": isCurrent && "true" }, name);
}
