import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Locked } from "@/ui/Locked";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { BudgetList } from "./BudgetList";
import { ToolLimits } from "./ToolLimits";

const s = t.budgets;
const VIEWS = ["models", "tools"] as const;

export function BudgetsPage() {
  const { view = "models" } = useSearch({ from: "/signed-in/shell/budgets" });
  const navigate = useNavigate();
  const mayRead = useMay("member");
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} />
      <Tabs
        label={s.views}
        value={view}
        onChange={(next) => void navigate({ to: "/budgets", search: next === "tools" ? { view: next } : {} })}
        tabs={VIEWS.map((name) => ({ name, label: s.tabs[name] }))}
      >
        <TabPanel name="models">
          {mayRead ? <BudgetList /> : <Locked title={s.locked}>{s.lockedDetail}</Locked>}
        </TabPanel>
        <TabPanel name="tools">
          <ToolLimits />
        </TabPanel>
      </Tabs>
    </>
  );
}
