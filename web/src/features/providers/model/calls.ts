/** How programs ask through this server, as text to copy. Pure. */

export const CLIENTS = ["curl", "openai", "anthropic", "environment"] as const;
export type Client = (typeof CLIENTS)[number];

/** Both values are told to no shell and no program unquoted: names have letters, digits, `.`, `_`, `-`, `/` alone. */
export function firstCall(client: Client, origin: string, model: string): string {
  switch (client) {
    case "curl":
      return [
        `curl ${origin}/gateway/openai/v1/chat/completions \\`,
        `  -H "Authorization: Bearer $CHANCERY_API_KEY" \\`,
        `  -H "Content-Type: application/json" \\`,
        `  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Say hello."}]}'`,
      ].join("\n");
    case "openai":
      return [
        "import os, openai",
        "",
        "client = openai.OpenAI(",
        `    base_url="${origin}/gateway/openai/v1",`,
        '    api_key=os.environ["CHANCERY_API_KEY"],',
        ")",
        "answer = client.chat.completions.create(",
        `    model="${model}",`,
        '    messages=[{"role": "user", "content": "Say hello."}],',
        ")",
        "print(answer.choices[0].message.content)",
      ].join("\n");
    case "anthropic":
      return [
        "import os, anthropic",
        "",
        "client = anthropic.Anthropic(",
        `    base_url="${origin}/gateway/anthropic",`,
        '    api_key=os.environ["CHANCERY_API_KEY"],',
        ")",
        "answer = client.messages.create(",
        `    model="${model}",`,
        "    max_tokens=200,",
        '    messages=[{"role": "user", "content": "Say hello."}],',
        ")",
        "print(answer.content[0].text)",
      ].join("\n");
    case "environment":
      return [
        `export OPENAI_BASE_URL=${origin}/gateway/openai/v1`,
        "export OPENAI_API_KEY=chk_…",
        `export ANTHROPIC_BASE_URL=${origin}/gateway/anthropic`,
        "export ANTHROPIC_API_KEY=chk_…",
      ].join("\n");
  }
}
