import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { explain } from "@/ui/ErrorNotice";
import { Locked } from "@/ui/Locked";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { toast } from "@/ui/toast";
import { downloadUsage } from "../api/usage";
import type { UsageSearch } from "../model/search";
import { VIEWS } from "../model/search";
import { HealthView } from "./HealthView";
import { RangePicker } from "./RangePicker";
import { SpendView } from "./SpendView";
import { useRange } from "./useRange";

const s = t.usage;

export function UsagePage() {
  const may = useMay("member");
  return (
    <>
      <PageTitle title={s.title} />
      {may ? (
        <Usage />
      ) : (
        <>
          <PageHeader title={s.title} detail={s.detail} />
          <Locked title={s.locked}>{s.lockedDetail}</Locked>
        </>
      )}
    </>
  );
}

function Usage() {
  const search = useSearch({ from: "/signed-in/shell/usage" });
  const navigate = useNavigate();
  const view = search.view ?? "spend";
  const by = view === "health" ? "model" : (search.by ?? "agent");
  const set = (next: UsageSearch) => void navigate({ to: "/usage", search: next });
  const setRange = (next: Pick<UsageSearch, "range" | "from" | "to">) => {
    const { range: _, from: __, to: ___, ...rest } = search;
    set({ ...rest, ...next });
  };
  const { range, today, choose } = useRange(search, setRange);
  const exporting = useMutation({
    mutationFn: () => downloadUsage(range, ["day", by]),
    onError: (error) => {
      const { title, detail } = explain(error);
      toast({ tone: "bad", title, detail });
    },
  });
  return (
    <>
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          <Button
            icon={<Download />}
            title={s.exportHint}
            busy={exporting.isPending}
            onClick={() => exporting.mutate()}
          >
            {s.export}
          </Button>
        }
      >
        <RangePicker search={search} range={range} today={today} onChange={setRange} />
      </PageHeader>
      <Tabs
        label={s.views}
        value={view}
        onChange={(next) => {
          const { view: _, ...rest } = search;
          set(next === "spend" ? rest : { ...rest, view: next });
        }}
        tabs={VIEWS.map((name) => ({ name, label: s.tabs[name] }))}
      >
        <TabPanel name="spend">
          <SpendView search={search} range={range} onChange={set} onRange={choose} />
        </TabPanel>
        <TabPanel name="health">
          <HealthView search={search} range={range} onChange={set} onRange={choose} />
        </TabPanel>
      </Tabs>
    </>
  );
}
