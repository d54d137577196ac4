// Makes elements. Every word from outside goes through textContent.

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, words = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (words) made.textContent = words;
  return made;
}
