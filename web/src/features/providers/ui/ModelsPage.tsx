import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Locked } from "@/ui/Locked";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { MODEL_VIEWS } from "../model/views";
import { ProfileList } from "./ProfileList";
import { ProviderList } from "./ProviderList";
import { RecordingView } from "./RecordingView";

const s = t.models;

export function ModelsPage() {
  const { view = "providers" } = useSearch({ from: "/signed-in/shell/models" });
  const navigate = useNavigate();
  const may = useMay("member");
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} />
      {may ? (
        <Tabs
          label={s.views}
          value={view}
          onChange={(next) =>
            void navigate({ to: "/models", search: next === "providers" ? {} : { view: next } })
          }
          tabs={MODEL_VIEWS.map((name) => ({ name, label: s.tabs[name] }))}
        >
          <TabPanel name="providers">
            <ProviderList />
          </TabPanel>
          <TabPanel name="profiles">
            <ProfileList />
          </TabPanel>
          <TabPanel name="settings">
            <RecordingView />
          </TabPanel>
        </Tabs>
      ) : (
        <Locked title={s.locked}>{s.lockedDetail}</Locked>
      )}
    </>
  );
}
