export const start = {
  nav: "Start",
  title: "Welcome",
};
