// The app's page, inside the small Jira or alone: what it shows, and its editor.

export class Editor {
  /** `root` is a page or a frame locator. */
  constructor(root) {
    this.root = root;
    this.settings = root.locator("#settings");
    this.message = root.locator("#message");
    this.name = root.locator("#setting-name");
    this.value = root.locator("#setting-value");
  }

  /** The list item of a setting. */
  setting(name) {
    return this.settings.locator(`[data-name="${name}"]`);
  }

  /** Waits until the page is there with its settings. */
  async ready() {
    await this.loaded();
    await this.root.locator("main#page").waitFor();
  }

  /** Waits until whatever is shown here is there as a whole. */
  async loaded() {
    await this.root.locator('main#refused, main#page:not(:has-text("Loading the"))').waitFor();
  }

  /** Waits for words in the message. */
  async says(words) {
    await this.message.filter({ hasText: words }).waitFor();
  }

  /** Adds a setting; `json` is its text. */
  async store(name, json) {
    await this.root.locator("#add").click();
    await this.name.fill(name);
    await this.value.fill(json);
    await this.root.locator("#save").click();
    await this.says(`${name} is saved`);
  }

  /** Opens a setting for changing. */
  async edit(name) {
    await this.setting(name).locator("[data-edit]").click();
    await this.value.waitFor();
  }

  /** Waits until a setting is shown with this value, as it was written. */
  async shows(name, json) {
    await this.setting(name).locator("pre").getByText(json, { exact: true }).waitFor();
  }
}
