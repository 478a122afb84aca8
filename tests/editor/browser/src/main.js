// A page with VS Code's editor, its language client, and the project's own extension as far as a page can have it: the language, its brackets
// and its colours. The server is behind a WebSocket.

import { EditorApp } from "monaco-languageclient/editorApp";
import { LanguageClientWrapper } from "monaco-languageclient/lcwrapper";
import { MonacoVscodeApiWrapper } from "monaco-languageclient/vscodeApiWrapper";
import { useWorkerFactory, Worker as Loader } from "monaco-languageclient/workerFactory";
import { updateUserConfiguration } from "@codingame/monaco-vscode-configuration-service-override";
import "@codingame/monaco-vscode-theme-defaults-default-extension";
import editorWorker from "@codingame/monaco-vscode-editor-api/esm/vs/editor/editor.worker.js?worker&url";
import colourWorker from "@codingame/monaco-vscode-textmate-service-override/worker?worker&url";
import * as vscode from "vscode";

import manifest from "../../../../editors/vscode/package.json";
import brackets from "../../../../editors/vscode/language-configuration.json?raw";
import colours from "../../../../editors/vscode/syntaxes/secnet.tmLanguage.json?raw";

const project = await (await fetch("/project.json")).json();

const workers = {
    editorWorkerService: () => new Loader(editorWorker, { type: "module" }),
    TextMateWorker: () => new Loader(colourWorker, { type: "module" }),
};

const settings = {
    "workbench.colorTheme": project.theme,
    "editor.codeLens": true,
    "editor.fontSize": 14,
    "editor.minimap.enabled": false,
    "editor.wordBasedSuggestions": "off",
    "editor.lightbulb.enabled": "on",
    "editor.stickyScroll.enabled": false,
    "editor.semanticHighlighting.enabled": true,
};

const { name, publisher, version, engines, contributes } = manifest;
const api = new MonacoVscodeApiWrapper({
    $type: "extended",
    viewsConfig: { $type: "EditorService" },
    userConfiguration: { json: JSON.stringify(settings) },
    monacoWorkerFactory: (logger) => useWorkerFactory({ workerLoaders: workers, logger }),
    extensions: [
        {
            config: {
                name,
                publisher,
                version,
                engines,
                contributes: {
                    languages: contributes.languages,
                    grammars: contributes.grammars,
                    semanticTokenScopes: contributes.semanticTokenScopes,
                },
            },
            filesOrContents: new Map([
                ["/language-configuration.json", brackets],
                ["/syntaxes/secnet.tmLanguage.json", colours],
            ]),
        },
    ],
});
await api.start();

const client = new LanguageClientWrapper({
    languageId: "secnet",
    connection: { options: { $type: "WebSocketUrl", url: `ws://${location.host}/lsp` } },
    clientOptions: {
        documentSelector: ["secnet"],
        workspaceFolder: { index: 0, name: "project", uri: vscode.Uri.file(project.directory) },
    },
});
await client.start();

const app = new EditorApp({ codeResources: { modified: { text: project.text, uri: project.file } } });
await app.start(document.getElementById("editor"));
const editor = app.getEditor();

// What the test asks for that is not on the screen.
window.secnet = {
    editor,
    /** Changes settings, as their file does. */
    configure: (changes) => updateUserConfiguration(JSON.stringify({ ...settings, ...changes })),
    text: () => editor.getModel().getValue(),
    /** What is wrong, as the editor has it: the words underlined, the code, the message. */
    problems: () =>
        vscode.languages.getDiagnostics(editor.getModel().uri).map((d) => ({
            code: String(d.code?.value ?? d.code),
            severity: d.severity,
            message: d.message,
            line: d.range.start.line + 1,
            text: editor.getModel().getValueInRange({
                startLineNumber: d.range.start.line + 1,
                startColumn: d.range.start.character + 1,
                endLineNumber: d.range.end.line + 1,
                endColumn: d.range.end.character + 1,
            }),
        })),
    /** Replaces a piece of the text, as typing does. */
    replace: (from, to) => {
        const [found] = editor.getModel().findMatches(from, false, false, true, null, false);
        editor.executeEdits("test", [{ range: found.range, text: to, forceMoveMarkers: true }]);
    },
    /** Puts something behind a piece of the text. */
    append: (after, text) => {
        const [found] = editor.getModel().findMatches(after, false, false, true, null, false);
        const { endLineNumber, endColumn } = found.range;
        const range = { startLineNumber: endLineNumber, startColumn: endColumn, endLineNumber, endColumn };
        editor.executeEdits("test", [{ range, text, forceMoveMarkers: true }]);
    },
    selected: () => editor.getModel().getValueInRange(editor.getSelection()),
    /** Puts the cursor at a piece of the text, with so many lines above it on the screen. */
    go: (text, above) => {
        const [found] = editor.getModel().findMatches(text, false, false, true, null, false);
        editor.setPosition(found.range.getStartPosition());
        editor.setScrollTop(editor.getTopForLineNumber(Math.max(1, found.range.startLineNumber - above)));
        editor.focus();
    },
};
