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
import { profilesQuery, providersQuery } from "../api/providers";
import { MODEL_VIEWS } from "../model/views";
import { ProfileList } from "./ProfileList";
import { ProviderList } from "./ProviderList";
import { RecordingView } from "./RecordingView";

const s = t.models;

export function ModelsPage() {
  const { view = "providers" } = useSearch({ from: "/signed-in/shell/models" });
  const navigate = useNavigate();
  const may = useMay("member");
  const mayMake = useMay("admin");
  const [isMaking, setMaking] = useState(false);
  const providers = useQuery({ ...providersQuery, enabled: may }).data ?? [];
  const profiles = useQuery({ ...profilesQuery, enabled: may }).data ?? [];
  // A profile is a name for what a provider has.
  const canMake = mayMake && (view === "providers" || (view === "profiles" && providers.length > 0));
  const name = view === "profiles" ? s.profile.new : s.provider.new;
  const isEmpty = (view === "profiles" ? profiles : providers).length === 0;
  useKeys(canMake ? [{ keys: "n", label: name, group: "page", run: () => setMaking(true) }] : []);
  const make = canMake && (
    <Button look="primary" icon={<Plus />} onClick={() => setMaking(true)}>
      {name}
    </Button>
  );
  const making = { isMaking, onEnd: () => setMaking(false), make };
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} actions={!isEmpty && make} />
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
            <ProviderList {...making} />
          </TabPanel>
          <TabPanel name="profiles">
            <ProfileList {...making} />
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
