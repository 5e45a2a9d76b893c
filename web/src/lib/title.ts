/** The title of the tab: what the page is, and before it how much is unread. */
import { t } from "@/strings";

let page: string | undefined;
let count = 0;

function write() {
  const name = page ? `${page} · ${t.common.product}` : t.common.product;
  document.title = count > 0 ? `(${count > 99 ? "99+" : count}) ${name}` : name;
}

export function setPageTitle(title: string | undefined) {
  page = title;
  write();
}

export function setTitleCount(unread: number) {
  count = unread;
  write();
}
