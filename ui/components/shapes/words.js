// What people read on the picture. Goes before shapes.js.
const NAMES = { frame: "Frame", polygon: "Region", excluded: "Excluded" };
const SAID = {
  select: "Click a region to choose it; drag it or its corners. Double-click a side for another corner.",
  frame: "Drag a rectangle: cells that touch its red lines are out.",
  polygon: "Click corner after corner, back at the first one to close; or draw around it.",
  excluded: "Click corners or draw around what is not to be counted.",
};
const RECTANGLE = "Drag a rectangle: cells whose middle lies in it count."; // where there are no counting frames
