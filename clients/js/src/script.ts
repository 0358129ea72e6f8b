// The form for a `<script>` tag: the global `MonlightSDK`. A config in the tag is read before the client begins.

import "./tag.ts";
import { init, Monlight } from "./index.ts";

Object.assign(window, { MonlightSDK: { init, Monlight } });
