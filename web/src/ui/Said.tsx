import { sentence } from "@/lib/format";

/** What the server says, as a sentence. Names in backticks are set as code; nothing else in it is markup. */
export function Said({ text }: { text: string }) {
  return sentence(text)
    .split(/`([^`\n]+)`/)
    .map((part, at) =>
      at % 2 === 0 ? (
        part
      ) : (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence are known by their places
        <code key={at} className="font-mono text-[0.925em] break-words">
          {part}
        </code>
      ),
    );
}
