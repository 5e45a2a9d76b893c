/** Keeps the newest at the bottom in sight while somebody is there, and says how far they have read. */
import { useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { tellRead } from "../api/chats";

/** So near to the end counts as being there. */
const NEAR_PX = 80;

export function useFollow(id: string, content: string, position: number | undefined) {
  const ref = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const lastTop = useRef(0);
  const read = useRef(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `content` is what makes the end move
  useLayoutEffect(() => {
    const element = ref.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [content]);

  // What opens or loads below grows without the content changing.
  useEffect(() => {
    const inner = ref.current?.firstElementChild;
    if (!inner) return;
    const observer = new ResizeObserver(() => {
      const element = ref.current;
      if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(inner);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (position === undefined || position <= read.current || !isAtEnd.current || document.hidden) return;
    read.current = position;
    tellRead(id, position);
  }, [id, position]);

  const onScroll = useCallback(() => {
    const element = ref.current;
    if (!element) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    // Only going up leaves the end. Being told late of our own scrolling, when more has come, does not.
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) isAtEnd.current = true;
    else if (scrollTop < lastTop.current) isAtEnd.current = false;
    lastTop.current = scrollTop;
  }, []);
  const toEnd = useCallback(() => {
    isAtEnd.current = true;
  }, []);
  return { ref, onScroll, toEnd };
}
