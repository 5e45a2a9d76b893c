/** Who acts, with what: agents, skills, tools, nodes. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { AGENT_STATES, AGENT_TABS } from "@/features/agents/model/names";
import { TOOL_KINDS, TOOL_TABS } from "@/features/tools/model/names";
import { oneOf, shell, some, text, whole } from "./base";

const agents = createRoute({
  getParentRoute: () => shell,
  path: "/agents",
  validateSearch: (search) => some({ state: oneOf(AGENT_STATES, search.state) }),
  component: lazyRouteComponent(() => import("@/features/agents/ui/AgentsPage"), "AgentsPage"),
});

const newAgent = createRoute({
  getParentRoute: () => shell,
  path: "/agents/new",
  component: lazyRouteComponent(() => import("@/features/agents/ui/AgentFormPage"), "NewAgentPage"),
});

const agent = createRoute({
  getParentRoute: () => shell,
  path: "/agents/$agentId",
  validateSearch: (search) =>
    some({
      tab: oneOf(AGENT_TABS, search.tab),
      version: whole(search.version),
      from: whole(search.from),
      run: text(search.run),
    }),
  component: lazyRouteComponent(() => import("@/features/agents/ui/AgentPage"), "AgentPage"),
});

const editAgent = createRoute({
  getParentRoute: () => shell,
  path: "/agents/$agentId/edit",
  component: lazyRouteComponent(() => import("@/features/agents/ui/AgentFormPage"), "EditAgentPage"),
});

const skills = createRoute({
  getParentRoute: () => shell,
  path: "/skills",
  component: lazyRouteComponent(() => import("@/features/skills/ui/SkillsPage"), "SkillsPage"),
});

const newSkill = createRoute({
  getParentRoute: () => shell,
  path: "/skills/new",
  component: lazyRouteComponent(() => import("@/features/skills/ui/PublishPage"), "PublishPage"),
});

const skill = createRoute({
  getParentRoute: () => shell,
  path: "/skills/$skillId",
  component: lazyRouteComponent(() => import("@/features/skills/ui/SkillPage"), "SkillPage"),
});

const tools = createRoute({
  getParentRoute: () => shell,
  path: "/tools",
  validateSearch: (search) => some({ kind: oneOf(TOOL_KINDS, search.kind) }),
  component: lazyRouteComponent(() => import("@/features/tools/ui/ToolsPage"), "ToolsPage"),
});

const newTool = createRoute({
  getParentRoute: () => shell,
  // Not `/tools/new`, which is what a tool may be called.
  path: "/tools/http/new",
  component: lazyRouteComponent(() => import("@/features/tools/ui/ToolFormPage"), "NewToolPage"),
});

const tool = createRoute({
  getParentRoute: () => shell,
  path: "/tools/$name",
  validateSearch: (search) => some({ tab: oneOf(TOOL_TABS, search.tab), run: text(search.run) }),
  component: lazyRouteComponent(() => import("@/features/tools/ui/ToolPage"), "ToolPage"),
});

const editTool = createRoute({
  getParentRoute: () => shell,
  path: "/tools/$name/edit",
  component: lazyRouteComponent(() => import("@/features/tools/ui/ToolFormPage"), "EditToolPage"),
});

const nodes = createRoute({
  getParentRoute: () => shell,
  path: "/nodes",
  validateSearch: (search) => some({ add: search.add === true || undefined }),
  component: lazyRouteComponent(() => import("@/features/nodes/ui/NodesPage"), "NodesPage"),
});

const node = createRoute({
  getParentRoute: () => shell,
  path: "/nodes/$nodeId",
  component: lazyRouteComponent(() => import("@/features/nodes/ui/NodePage"), "NodePage"),
});

export const buildRoutes = [
  agents,
  newAgent,
  agent,
  editAgent,
  skills,
  newSkill,
  skill,
  tools,
  newTool,
  tool,
  editTool,
  nodes,
  node,
] as const;
