/* The theme gives the keyboard a stop at each code block that scrolls, as far as it is shown when
   the page loads or changes its size. What a fold has just shown is measured again. */
const measure = () => setTimeout(() => dispatchEvent(new Event("resize")));
document.addEventListener("toggle", measure, true);
document.addEventListener("click", (event) => {
  if (event.target.closest(".admonition-title")) measure();
});
