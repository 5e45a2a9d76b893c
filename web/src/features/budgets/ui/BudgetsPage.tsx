import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Locked } from "@/ui/Locked";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { budgetsQuery } from "../api/budgets";
import { BudgetList, type Made } from "./BudgetList";
import { ToolLimits } from "./ToolLimits";

const s = t.budgets;
const VIEWS = ["models", "tools"] as const;

export function BudgetsPage() {
  const { view = "models" } = useSearch({ from: "/signed-in/shell/budgets" });
  const navigate = useNavigate();
  const mayRead = useMay("member");
  const mayMake = useMay("admin") && view === "models";
  const [making, setMaking] = useState<Made>();
  const hasAny = (useQuery({ ...budgetsQuery, enabled: mayRead }).data ?? []).length > 0;
  useKeys(mayMake ? [{ keys: "n", label: s.new, group: "page", run: () => setMaking("any") }] : []);
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          mayMake &&
          hasAny && (
            <Button look="primary" icon={<Plus />} onClick={() => setMaking("any")}>
              {s.new}
            </Button>
          )
        }
      />
      <Tabs
        label={s.views}
        value={view}
        onChange={(next) => void navigate({ to: "/budgets", search: next === "tools" ? { view: next } : {} })}
        tabs={VIEWS.map((name) => ({ name, label: s.tabs[name] }))}
      >
        <TabPanel name="models">
          {mayRead ? (
            <BudgetList making={making} onMake={setMaking} />
          ) : (
            <Locked title={s.locked}>{s.lockedDetail}</Locked>
          )}
        </TabPanel>
        <TabPanel name="tools">
          <ToolLimits />
        </TabPanel>
      </Tabs>
    </>
  );
}
