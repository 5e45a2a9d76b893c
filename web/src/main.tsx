import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { listenForKeys } from "./app/keys";
import { Queries } from "./app/Queries";
import { router } from "./app/router";
import { startTheme } from "./app/theme";
import { t } from "./strings";
import "./styles/app.css";
import { Toaster } from "./ui/Toaster";
import { toast } from "./ui/toast";

startTheme();
listenForKeys();

// A piece of the app could not be fetched: the server is a newer one, which has other pieces.
window.addEventListener("vite:preloadError", () => {
  const reload = { label: t.errors.reload, run: () => location.reload() };
  toast({ tone: "warn", title: t.errors.newVersion, detail: t.errors.newVersionDetail, action: reload });
});

const element = document.getElementById("root");
if (!element) throw new Error("the page has no root");
createRoot(element).render(
  <StrictMode>
    <Queries>
      <RouterProvider router={router} />
      <Toaster />
    </Queries>
  </StrictMode>,
);
