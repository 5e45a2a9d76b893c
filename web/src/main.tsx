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
const show = () =>
  createRoot(element).render(
    <StrictMode>
      <Queries>
        <RouterProvider router={router} />
        <Toaster />
      </Queries>
    </StrictMode>,
  );

// React shows what takes the place of "it loads" no sooner than 300 ms later. What comes quickly is waited for here.
const QUICK_MS = 400;
void Promise.race([router.load(), new Promise((resolve) => setTimeout(resolve, QUICK_MS))]).then(show);
