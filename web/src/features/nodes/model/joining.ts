/** How a machine joins: the commands that are run on it. Pure. */

export interface Gateway {
  url: string;
  /** The credential would go over a network in the clear. */
  isPlaintext: boolean;
}

const HERE = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Where a node connects to, by the address that this page came from. */
export function gatewayOf(page: { protocol: string; host: string; hostname: string }): Gateway {
  const isSecure = page.protocol === "https:";
  return {
    url: `${isSecure ? "wss" : "ws"}://${page.host}`,
    isPlaintext: !isSecure && !HERE.test(page.hostname),
  };
}

export const CREDENTIAL_FILE = "chancery-node.credential";

/** The credential is pasted, so that it is in no shell's history. */
export const keepCommand = `(umask 077; cat > ${CREDENTIAL_FILE})`;

export function startCommand(gateway: Gateway): string {
  const options = [
    `--gateway ${gateway.url}`,
    `--credential-file ${CREDENTIAL_FILE}`,
    "--data-dir chancery-node-data",
    ...(gateway.isPlaintext ? ["--allow-plaintext"] : []),
  ];
  return `chancery-node ${options.join(" \\\n  ")}`;
}
