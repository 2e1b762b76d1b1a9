// Issues in the small Jira, by their buttons.
import assert from "node:assert/strict";

export class Issues {
  constructor(jira) {
    this.jira = jira;
    this.root = jira.page.locator("#issues");
    this.copies = this.root.locator("#copies");
    this.difference = this.copies.locator("#difference-rows tr");
    this.selection = this.root.locator("#selection-said");
  }

  button(act) {
    return this.root.locator(`button[data-issue="${act}"]`);
  }

  /** Presses a button and waits until what follows from it is said and shown. */
  async presses(act, said) {
    await this.button(act).click();
    await this.jira.said.filter({ hasText: said }).waitFor();
    await this.jira.idle();
  }

  /** Has the app keep these fields of the issues of these projects. */
  async keeps(projects, fields) {
    for (const [list, wanted] of [["selection-projects", projects], ["selection-fields", fields]]) {
      const boxes = this.root.locator(`#${list} label`);
      for (const box of await boxes.all()) await box.locator("input").setChecked(wanted.includes(await box.innerText()));
    }
    await this.presses("select", "keeps a copy");
  }

  /** Fills in what is given. */
  async fills({ project, summary, description, status, assignee }) {
    if (project) await this.root.locator("#issue-project").selectOption({ label: project });
    if (summary) await this.root.locator("#issue-summary").fill(summary);
    if (description) await this.root.locator("#issue-description").fill(description);
    if (status) await this.root.locator("#issue-status").selectOption({ label: status });
    if (assignee) await this.root.locator("#issue-assignee").selectOption({ label: assignee });
  }

  /** Makes an issue and gives its key. */
  async creates(fields) {
    await this.button("new").click();
    await this.jira.idle();
    await this.fills(fields);
    await this.presses("save", "is created");
    return (await this.jira.said.innerText()).split(" ")[0];
  }

  /** Changes the issue that is looked at. */
  async edits(fields, act = "save") {
    await this.fills(fields);
    await this.presses(act, "is saved");
  }

  async looksAt(key) {
    await this.root.locator(`#issues-list button[data-key="${key}"]`).click();
    await this.jira.idle();
  }

  /** What the app answered about the copies. */
  async answered(status) {
    await this.copies.locator("#copies-status").getByText(String(status), { exact: true }).waitFor();
  }

  /** The fields of a copy as they are shown. */
  async copy(name) {
    return JSON.parse(await this.copies.locator(`[data-copy="${name}"] pre`).innerText());
  }

  /** The fields that differ, with what they were and are. */
  async differs() {
    const rows = await this.difference.evaluateAll((all) => all.map((row) => [row.dataset.field, ...[...row.cells].slice(1).map((cell) => cell.innerText)]));
    return Object.fromEntries(rows.map(([field, ...values]) => [field, values]));
  }

  /** How much lies in the table of copies of this site, and that none of these words can be read in it. */
  async lying(...words) {
    const items = this.copies.locator("#copies-stored details");
    await items.evaluateAll((all) => all.forEach((one) => (one.open = true)));
    const text = await this.copies.locator("#copies-stored").innerText();
    for (const word of words) assert.ok(!text.includes(word), `"${word}" lies in the table`);
    return items.count();
  }
}
