import { type FormEvent, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { useCreateOrg } from "@/features/auth/api/auth";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";

export function NewOrgDialog({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  const form = useId();
  const [name, setName] = useState("");
  const create = useCreateOrg();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(
      { name },
      {
        onSuccess: () => {
          onOpenChange(false);
          setName("");
        },
      },
    );
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t.shell.newOrgTitle}
      description={t.shell.newOrgDetail}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{t.common.cancel}</Button>
          <Button type="submit" form={form} look="primary" busy={create.isPending}>
            {t.shell.create}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3 pt-2">
        {create.error && !isCode(create.error, "INVALID") && <ErrorNotice error={create.error} />}
        <TextField
          label={t.shell.orgName}
          flaw={flawOf(create.error, "/name")}
          required
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
