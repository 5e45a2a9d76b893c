import { Link } from "@tanstack/react-router";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { turnOff, turnOn, useDesktop } from "../model/desktop";

const s = t.notifications.settings;

export function NotificationSettings() {
  return (
    <>
      <SettingsHeader
        title={s.title}
        detail={s.detail}
        actions={
          <Link to="/notifications" className={buttonClass()}>
            {s.open}
          </Link>
        }
      />
      <div className="flex max-w-3xl flex-col gap-5 p-4 md:p-6">
        <Panel title={s.desktop} detail={s.desktopDetail}>
          <DesktopSwitch />
        </Panel>
        <Panel title={s.read} detail={s.readDetail} />
      </div>
    </>
  );
}

function DesktopSwitch() {
  const state = useDesktop();
  switch (state) {
    case "missing":
      return <Notice>{s.missing}</Notice>;
    case "denied":
      return <Notice tone="warn">{s.denied}</Notice>;
    case "on":
      return (
        <div className="flex items-center gap-3">
          <Badge tone="ok">{s.on}</Badge>
          <Button onClick={turnOff}>{s.turnOff}</Button>
        </div>
      );
    case "off":
      return (
        <div className="flex items-center gap-3">
          <Badge>{s.off}</Badge>
          <Button look="primary" onClick={() => void turnOn()}>
            {s.turnOn}
          </Button>
        </div>
      );
  }
}
