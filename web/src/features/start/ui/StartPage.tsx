import { t } from "@/strings";

export function StartPage() {
  return <h1 className="p-6 text-xl font-semibold">{t.start.title}</h1>;
}
