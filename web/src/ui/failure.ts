import { explain } from "./ErrorNotice";
import { toast } from "./toast";

/** Says that something that somebody did has failed, where no form stands to say it in. */
export function toastFailure(title: string, error: unknown) {
  const { detail, fix } = explain(error);
  toast({ tone: "bad", title, detail: fix ? `${detail} ${fix}` : detail });
}
