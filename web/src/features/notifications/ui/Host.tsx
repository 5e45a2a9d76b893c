import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { setTitleCount } from "@/lib/title";
import { markRead, useHearing, useUnread } from "../api/notifications";
import { isSpeaking, markLookedAt, showOnDesktop } from "../model/desktop";
import { seenAt } from "../model/read";

/** Listens for what concerns the person, whatever page is shown: the tab's title, the desktop, and what a look reads. */
export function NotificationsHost() {
  useHearing();
  const all = useUnread();
  const unread = all.filter((it) => it.isUnread).map((it) => it.notice);
  useEffect(() => {
    setTitleCount(unread.length);
    return () => setTitleCount(0);
  }, [unread.length]);
  useReadBySeeing(unread);
  useDesktopNews(unread);
  return null;
}

type Notices = ReturnType<typeof useUnread>[number]["notice"][];

function useReadBySeeing(unread: Notices) {
  const address = useRouterState({ select: (it) => it.location.pathname });
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") markRead(seenAt(address, unread));
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [address, unread]);
}

/** What is new while nobody looks is shown by the browser, if that was asked for. */
function useDesktopNews(unread: Notices) {
  const navigate = useNavigate();
  const known = useRef<Set<string>>(undefined);
  useEffect(() => {
    markLookedAt();
    document.addEventListener("visibilitychange", markLookedAt);
    return () => document.removeEventListener("visibilitychange", markLookedAt);
  }, []);
  useEffect(() => {
    const before = known.current;
    known.current = new Set([...(before ?? []), ...unread.map((it) => it.id)]);
    if (!before || document.visibilityState !== "hidden" || !isSpeaking()) return;
    for (const { id, title, href } of unread) {
      if (!before.has(id)) showOnDesktop(title, id, () => void navigate({ href }));
    }
  }, [unread, navigate]);
}
