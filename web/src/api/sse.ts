/** Server-sent events, as in the HTML standard: from pieces of text to frames. Pure. */

export interface Frame {
  event: string;
  data: string;
  id: string | undefined;
}

interface Parser {
  /** Takes the next piece of the stream and gives the frames that it completed. */
  push(piece: string): Frame[];
}

export function parser(): Parser {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id: string | undefined;

  const line = (text: string): Frame | undefined => {
    if (text === "") {
      const frame = data.length > 0 ? { event: event || "message", data: data.join("\n"), id } : undefined;
      event = "";
      data = [];
      id = undefined;
      return frame;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
    return undefined;
  };

  return {
    push(piece) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      return lines.map((it) => line(it.replace(/\r$/, ""))).filter((it) => it !== undefined);
    },
  };
}
