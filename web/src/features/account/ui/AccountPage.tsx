import { setTheme, type Theme, useTheme } from "@/app/theme";
import { useSignedIn } from "@/app/useAuth";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Fact } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { PasswordForm } from "./PasswordForm";
import { SignIns } from "./SignIns";

const s = t.account;
const themes: readonly Theme[] = ["system", "light", "dark"];

export function AccountPage() {
  const { user } = useSignedIn();
  return (
    <>
      <SettingsHeader title={s.title} detail={s.detail} />
      <div className="flex max-w-3xl flex-col gap-5 p-4 md:p-6">
        <Panel title={s.who}>
          <div className="flex flex-wrap items-center gap-4">
            <Avatar name={user.name} size="lg" />
            <dl className="grid flex-1 grid-cols-[repeat(auto-fit,minmax(11rem,1fr))] gap-4">
              <Fact name={s.name}>{user.name}</Fact>
              <Fact name={s.email}>{user.email}</Fact>
              <Fact name={s.since}>{exactly(user.created_at)}</Fact>
            </dl>
          </div>
        </Panel>
        <PasswordForm />
        <SignIns />
        <ThemeChoice />
      </div>
    </>
  );
}

function ThemeChoice() {
  const theme = useTheme();
  return (
    <Panel title={s.theme} detail={s.themeDetail}>
      <fieldset className="flex flex-wrap gap-x-6 gap-y-2">
        <legend className="sr-only">{s.theme}</legend>
        {themes.map((it) => (
          <label key={it} className="flex items-center gap-2 text-sm">
            <input
              type="radio"
              name="theme"
              checked={it === theme}
              onChange={() => setTheme(it)}
              className="size-4 accent-accent"
            />
            {t.shell.themes[it]}
          </label>
        ))}
      </fieldset>
    </Panel>
  );
}
