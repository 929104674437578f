// What the applications here answer: a few routes, of which one is broken.

module.exports = (app) => {
  app.get("/recipes", (_, response) => response.json([]));
  app.get("/recipes/:slug", (request, response) => response.json({ slug: request.params.slug }));
  app.post("/recipes", (_, response) => response.status(201).json({}));
  app.get("/broken", (_, response) => response.status(500).json({}));
};
