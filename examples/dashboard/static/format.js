// Numbers and days as the reader's own language writes them, with the exact value beside for programs.

import { element } from "./elements.js";

const counts = new Intl.NumberFormat();
const shares = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const changes = new Intl.NumberFormat(undefined, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    signDisplay: "exceptZero",
});
const ranks = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const axis = new Intl.NumberFormat(undefined, { notation: "compact" });

const dates = (options) => new Intl.DateTimeFormat(undefined, { timeZone: "UTC", ...options });
const days = dates({ dateStyle: "medium" });
const ofBuckets = {
    day: dates({ dateStyle: "medium" }),
    week: dates({ dateStyle: "medium" }),
    month: dates({ month: "long", year: "numeric" }),
    year: dates({ year: "numeric" }),
};
const onAxis = {
    day: dates({ day: "numeric", month: "short" }),
    week: dates({ day: "numeric", month: "short" }),
    month: dates({ month: "short", year: "2-digit" }),
    year: ofBuckets.year,
};

/** A day of the API; UTC, so that it is the same day everywhere. */
function date(day) {
    return new Date(`${day}T00:00:00Z`);
}

export const countText = (count) => counts.format(count);
export const axisText = (count) => axis.format(count);
const shareText = (share) => shares.format(share);
const changeText = (change) => changes.format(change);

const DAY = 24 * 60 * 60 * 1000;

/** Text of a half-open range, with its last day. */
export function daysText({ from, until }) {
    return days.formatRange(date(from), new Date(date(until).getTime() - DAY));
}

/** How many days lie between the starts of two ranges. */
export function daysBetween(earlier, later) {
    return (date(later.from) - date(earlier.from)) / DAY;
}

function quarterText(day) {
    return `Q${Math.floor(date(day).getUTCMonth() / 3) + 1} ${ofBuckets.year.format(date(day))}`;
}

export function bucketText(day, granularity) {
    return granularity === "quarter" ? quarterText(day) : (ofBuckets[granularity] ?? days).format(date(day));
}

export function tickText(day, granularity) {
    return granularity === "quarter" ? quarterText(day) : (onAxis[granularity] ?? days).format(date(day));
}

const data = (value, text) => element("data", { value }, text);

export const count = (value) => data(value, countText(value));
export const share = (value) => data(value, shareText(value));
export const percentile = (value) => data(value, ranks.format(value));

export function day(value) {
    return value === null ? "never" : element("time", { datetime: value }, days.format(date(value)));
}

export function bucket(value, granularity) {
    return element("time", { datetime: value }, bucketText(value, granularity));
}

/** A count of earlier days, if they were measured. */
export function before({ previous, previous_coverage: coverage }) {
    return coverage === "not_measured" ? "–" : count(previous);
}

/** A change against earlier days; a sign and an arrow tell rise from fall without colour. */
export function change(value) {
    if (value === null) {
        return "–";
    }
    const [kind, arrow] = value > 0 ? ["up", "▲"] : value < 0 ? ["down", "▼"] : ["same", "="];
    const sign = element("span", { "aria-hidden": "true" }, `${arrow} `);
    return element("data", { value, class: `change ${kind}` }, sign, changeText(value));
}
