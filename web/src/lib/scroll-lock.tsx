/**
 * Stands in for the package `react-remove-scroll`, which Radix's dialogs and menus use (see the alias in
 * `vite.config.ts`). That one writes <style> elements, which our policy refuses; this one sets an attribute
 * that `styles/app.css` knows.
 */
import { type ReactNode, useLayoutEffect } from "react";

let locks = 0;

export function RemoveScroll({ children }: { children: ReactNode }) {
  useLayoutEffect(() => {
    const root = document.documentElement;
    locks += 1;
    root.dataset.locked = "";
    return () => {
      locks -= 1;
      if (locks === 0) delete root.dataset.locked;
    };
  }, []);
  return children;
}
