// Answers of the API.

/** Why there is no answer, in words for the reader. */
export class Failure extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }

    /** Whether the address asks for what there is not. To ask again does not help then. */
    get isOfAddress() {
        return this.status >= 400 && this.status < 500;
    }
}

/** What sections have asked for already; they share it. */
const answers = new Map();

export function answer(address) {
    if (!answers.has(address)) {
        const asked = ask(address);
        answers.set(address, asked);
        // A failure is asked again.
        asked.catch(() => answers.delete(address));
    }
    return answers.get(address);
}

async function ask(address) {
    let response;
    try {
        response = await fetch(address);
    } catch {
        throw new Failure(0, "the server cannot be reached");
    }
    // A proxy between may answer with a page of its own.
    const body = await response.json().catch(() => ({}));
    if (!response.ok) {
        throw new Failure(response.status, body.error ?? `the server answered with status ${response.status}`);
    }
    return body;
}
