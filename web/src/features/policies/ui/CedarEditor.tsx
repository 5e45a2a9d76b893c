/**
 * An editor for Cedar.
 *
 * CodeMirror writes its styles into the page as a <style> element, which our content policy refuses. In a
 * shadow root it uses constructed style sheets instead, which no policy needs to allow; so it lives in one.
 */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import { cedar, cedarColours } from "../model/cedar";
import { type Flaw, rangeOf } from "../model/problems";

interface Props {
  /**
   * What it begins with. The text is the editor's own from then on: written back to it a moment later, it
   * would undo what was typed meanwhile. To begin anew, give it another `key`.
   */
  initial: string;
  onChange?: (next: string) => void;
  label: string;
  flaws?: readonly Flaw[];
  /** What ⌘↵ and Ctrl ↵ do. */
  onSubmit?: () => void;
}

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "0.8125rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.4rem" },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--faint)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in oklch, var(--hover) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklch, var(--accent) 28%, transparent)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent-text)" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    boxShadow: "var(--shadow-lg)",
    color: "var(--text)",
    maxWidth: "28rem",
  },
  ".cm-diagnostic": { padding: "0.5rem 0.75rem", borderLeft: "none", fontFamily: "var(--font-sans)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "3px",
  },
  ".cm-lint-marker-error": {
    content: '""',
    width: "0.5rem",
    height: "0.5rem",
    borderRadius: "50%",
    backgroundColor: "var(--bad)",
    marginTop: "0.45rem",
  },
});

export default function CedarEditor({ initial, onChange, label, flaws = [], onSubmit }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ onChange, onSubmit });
  const first = useRef(initial);
  useEffect(() => {
    latest.current = { onChange, onSubmit };
  });

  useEffect(() => {
    const place = host.current;
    if (!place) return;
    const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
    const submit = {
      key: "Mod-Enter",
      run: () => {
        latest.current.onSubmit?.();
        return true;
      },
    };
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          lintGutter(),
          highlightActiveLineGutter(),
          highlightSpecialChars(),
          highlightActiveLine(),
          drawSelection(),
          history(),
          bracketMatching(),
          indentUnit.of("  "),
          EditorView.lineWrapping,
          keymap.of([submit, ...defaultKeymap, ...historyKeymap]),
          cedar,
          syntaxHighlighting(cedarColours),
          theme,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    // What scrolls can be scrolled by keys.
    editor.scrollDOM.tabIndex = 0;
    view.current = editor;
    return () => {
      first.current = editor.state.doc.toString();
      editor.destroy();
      view.current = undefined;
    };
  }, [label]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const text = editor.state.doc.toString();
    const diagnostics: Diagnostic[] = flaws.map((flaw) => ({
      ...rangeOf(text, flaw),
      severity: "error",
      message: flaw.message,
    }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [flaws]);

  return (
    <div
      ref={host}
      className="h-full min-h-40 overflow-hidden rounded-md border border-line-strong/60 shadow-sm focus-within:outline-2 focus-within:outline-accent-text"
    />
  );
}
