// Chart.js draws; this file alone knows it. Colours come from the style sheet, so that they follow dark, light and print.

import { element } from "./elements.js";
import { axisText, countText } from "./format.js";

/** As much of a name as a tooltip has room for. */
const ROOM = 40;

export function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A canvas with a name for screen readers, and a function that draws on it once it is on the page. */
export function columns({ label, ticks, titles, datasets, before, states }) {
    const canvas = element("canvas", { role: "img", "aria-label": label });
    let chart;
    const draw = () => {
        chart?.destroy();
        chart = new Chart(canvas, {
            data: { labels: ticks, datasets: [...line(before), ...datasets.map((dataset) => column(dataset, states))] },
            options: options(titles),
            plugins: [gaps(states)],
        });
    };
    return { canvas: element("div", { class: "canvas" }, canvas), draw };
}

function column(dataset, states) {
    const full = colour(dataset.colour);
    const hatched = hatching(full);
    return {
        type: "bar",
        label: short(dataset.label),
        data: dataset.data,
        backgroundColor: states.map((state) => (state === "open" ? hatched : full)),
        borderColor: states.map((state) => (state === "open" ? full : colour("surface"))),
        borderWidth: 1,
        stack: "counts",
    };
}

/** The earlier days: a line in the colour of text, which no column has. */
function line(before) {
    if (before === undefined) {
        return [];
    }
    const ink = colour("ink");
    return [
        {
            type: "line",
            label: "Before",
            data: before,
            borderColor: ink,
            backgroundColor: ink,
            borderWidth: 1.5,
            borderDash: [2, 3],
            pointRadius: before.length > 40 ? 0 : 2,
            pointHitRadius: 8,
            order: -1,
        },
    ];
}

function options(titles) {
    const ink = colour("quiet");
    const grid = colour("line");
    return {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        datasets: { bar: { categoryPercentage: 0.92, barPercentage: 0.96 } },
        scales: {
            x: { stacked: true, grid: { display: false }, border: { color: grid }, ticks: { color: ink, maxRotation: 0 } },
            y: {
                stacked: true,
                beginAtZero: true,
                border: { display: false },
                grid: { color: grid },
                ticks: { color: ink, precision: 0, maxTicksLimit: 6, callback: (value) => axisText(value) },
            },
        },
        plugins: {
            legend: { display: false },
            tooltip: {
                callbacks: {
                    title: ([item]) => titles[item.dataIndex],
                    label: (item) => ` ${item.dataset.label}: ${countText(item.parsed.y)}`,
                },
                itemSort: (one, other) => other.datasetIndex - one.datasetIndex,
                filter: (item) => item.parsed.y !== null,
            },
        },
    };
}

/** Isolated, so that marks of direction in a name do not reorder what follows it. */
function short(name) {
    const letters = Array.from(name);
    const text = letters.length > ROOM ? `${letters.slice(0, ROOM).join("")}…` : name;
    return `\u2068${text}\u2069`;
}

/** Diagonal lines of a colour: what is not finished, also without seeing the colour. */
function hatching(full) {
    const size = 6;
    const tile = new OffscreenCanvas(size, size);
    const context = tile.getContext("2d");
    context.fillStyle = colour("surface");
    context.fillRect(0, 0, size, size);
    context.strokeStyle = full;
    context.lineWidth = 2;
    context.beginPath();
    for (const shift of [-size, 0, size]) {
        context.moveTo(shift - 1, size + 1);
        context.lineTo(shift + size + 1, -1);
    }
    context.stroke();
    return context.createPattern(tile, "repeat");
}

/** Behind the columns, a dashed box where nobody measured. */
function gaps(states) {
    return {
        id: "gaps",
        beforeDatasetsDraw({ ctx: context, chartArea: area, scales: { x: axis } }) {
            const width = area.width / states.length;
            context.save();
            context.fillStyle = colour("gap");
            context.strokeStyle = colour("quiet");
            context.setLineDash([3, 3]);
            for (const [from, until] of runs(states, "gap")) {
                const start = axis.getPixelForValue(from) - width / 2;
                context.fillRect(start, area.top, width * (until - from), area.height);
                context.strokeRect(start, area.top + 1, width * (until - from), area.height - 1);
            }
            context.restore();
        },
    };
}

/** Half-open runs of one state. */
function runs(states, wanted) {
    const starts = states.flatMap((state, at) => (state === wanted && states[at - 1] !== wanted ? [at] : []));
    return starts.map((start) => {
        const length = states.slice(start).findIndex((state) => state !== wanted);
        return [start, length === -1 ? states.length : start + length];
    });
}
