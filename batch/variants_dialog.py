# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of the variant matrix: boxes to check on each axis, what never goes together, and the list of what will be made.

Runs inside Blender.
"""

from collections.abc import Iterator
from functools import cache

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, StringProperty

from . import quick_adding, store, variants, variants_plan
from .quick_dialog import Ahead, QuickOperator, check_tokens, choices_property, ending, frames_property, named, names_property, output_property
from .quick_plans import CannotPlan, Plans
from .sayings import say
from .variants import AXES, Matrix, Variant

LISTS = ("cameras", "looks", "worlds", "view_layers", "sizes")
"""The operator's lists, in the order of the axes."""

LABELS = ("Cameras", "Color Looks", "Worlds", "View Layers", "Sizes")
MOST_LINES = 200
WIDTH = 640
THREE_COLUMNS = 540
"""Pixels, at a scale of 1, of a dialog that has room for three lists side by side."""
Items = tuple[tuple[str, str, str], ...]


class RenderPlusVariantExclusion(bpy.types.PropertyGroup):
    """Values that are not combined; an empty one is any"""

    use: BoolProperty(name="Exclude", description="Make no job of what has all of these", default=True, options=set())
    camera: StringProperty(name="Camera", description="Name of the camera, empty for any", options=set())
    look: StringProperty(name="Look", description="Name of the look, empty for any", options=set())
    world: StringProperty(name="World", description="Name of the world, empty for any", options=set())
    layer: StringProperty(name="View Layer", description="Name of the view layer, empty for any", options=set())
    size: StringProperty(name="Size", description="Width and height, such as 1920x1080, empty for any", options=set())


class RenderPlusVariantLine(bpy.types.PropertyGroup):
    """A variant as the dialog lists it"""

    name: StringProperty(name="Output", description="Where the pictures of the variant go", options=set())
    use: BoolProperty(name="Use", description="Make a job of this variant", default=True, options=set())


class RENDERPLUS_UL_variants(bpy.types.UIList):
    """The variants, each with a box to check"""

    bl_idname = "RENDERPLUS_UL_variants"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        item: RenderPlusVariantLine,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """Draw one line."""
        layout.use_property_split = False
        layout.prop(item, "use", text=item.name, translate=False)


class RENDERPLUS_UL_variant_exclusions(bpy.types.UIList):
    """What never goes together, each with a box to check"""

    bl_idname = "RENDERPLUS_UL_variant_exclusions"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        item: RenderPlusVariantExclusion,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """Draw one line."""
        layout.use_property_split = False
        layout.prop(item, "use", text=" + ".join(key for key in _keys(item) if key), translate=False)


def _keys(item: RenderPlusVariantExclusion) -> Variant:
    return tuple(getattr(item, axis) for axis in AXES)


def _room(operator: "RENDERPLUS_OT_variant_matrix") -> int:
    """Give the width of the dialog; after OK, in the panel that adjusts the last operation, there is none."""
    return int(getattr(operator, "room", WIDTH))


def checked(operator: "RENDERPLUS_OT_variant_matrix") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give what is checked on each axis. No method: where Blender asks for choices it hands over the properties alone."""
    for axis, name in zip(AXES, LISTS, strict=True):
        yield axis, tuple(item.name for item in getattr(operator, f"{name}_list") if item.use)


def _values(operator: "RENDERPLUS_OT_variant_matrix", _context: object) -> Items:
    """List what is checked, as the choices of an exclusion."""
    return _kept(tuple((axis, key) for axis, keys in checked(operator) for key in keys), bpy.app.translations.locale)


def _other_values(operator: "RENDERPLUS_OT_variant_matrix", _context: object) -> Items:
    """List what is checked and of another kind than the first value; two of one kind are never together."""
    kind = operator.one.partition(":")[0]
    return _kept(tuple((axis, key) for axis, keys in checked(operator) for key in keys if axis != kind), bpy.app.translations.locale)


@cache
def _kept(values: tuple[tuple[str, str], ...], _locale: str) -> Items:
    """Make the items of a menu, and keep them: Blender does not hold on to the texts that it shows."""
    labels = dict(zip(AXES, (say("Camera"), say("Look"), say("World"), say("View Layer"), say("Size")), strict=True))
    return tuple((f"{axis}:{key}", f"{labels[axis]}: {key}", "") for axis, key in values) or (("NONE", say("Nothing"), ""),)


class RENDERPLUS_OT_variant_matrix(QuickOperator, bpy.types.Operator):
    """Add a job for each combination of cameras, color looks, worlds, view layers and sizes"""

    bl_idname = "renderplus.variant_matrix"
    bl_label = "Variant Matrix…"
    title = "Variant Matrix"
    width = WIDTH

    cameras_list: choices_property("Cameras", "Cameras to combine")
    looks_list: choices_property("Color Looks", "Looks of the color management to combine, and other view transforms")
    worlds_list: choices_property("Worlds", "Worlds to combine")
    view_layers_list: choices_property("View Layers", "View layers to combine, each rendered alone")
    sizes_list: choices_property("Sizes", "Sizes to combine")
    cameras: names_property("Cameras", "Names of cameras, one a line, * for all; empty takes the scene's")
    looks: names_property("Color Looks", "Names of looks and view transforms, one a line, * for all; empty takes the scene's")
    worlds: names_property("Worlds", "Names of worlds, one a line, * for all; empty takes the scene's")
    view_layers: names_property("View Layers", "Names of view layers, one a line, * for all; empty takes those that are switched on")
    sizes: StringProperty(name="More Sizes", description="Other sizes to combine, such as 800x600, 50%", options={"SKIP_SAVE"})
    never: names_property("Never", "What is not combined, one exclusion a line, such as camera:Front + world:Night")
    exclusions: CollectionProperty(
        name="Exclusions", description="Values that are not combined", type=RenderPlusVariantExclusion, options={"SKIP_SAVE", "HIDDEN"}
    )
    one: EnumProperty(name="Never", description="What is not to be combined", items=_values, options={"SKIP_SAVE", "HIDDEN"})
    other: EnumProperty(name="With", description="What it is not to be combined with", items=_other_values, options={"SKIP_SAVE", "HIDDEN"})
    exclude: BoolProperty(name="Exclude", description="Make no job in which the two go together", options={"SKIP_SAVE", "HIDDEN"})
    lines: CollectionProperty(name="Variants", description="What will be made", type=RenderPlusVariantLine, options={"SKIP_SAVE", "HIDDEN"})
    active_line: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_exclusion: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_cameras: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_looks: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_worlds: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_view_layers: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    active_sizes: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    frames: frames_property()
    output: output_property("//renders/{variant}_####")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """List what the scene has, with all cameras checked, and open the dialog."""
        for axis, name in zip(AXES, LISTS, strict=True):
            items = getattr(self, f"{name}_list")
            items.clear()
            for key, label in variants.options(context.scene, axis).items():
                item = items.add()
                item.name, item.label, item.use = key, label, axis == "camera"
        return super().invoke(context, event)

    def matrix(self, context: bpy.types.Context) -> Matrix:
        """Read what is chosen, in the dialog or by a script; raises `CannotPlan`."""
        chosen = dict(checked(self))
        for axis, name in zip(AXES[:-1], LISTS, strict=False):
            if text := getattr(self, name):
                chosen[axis] = tuple(named(text, variants.options(context.scene, axis)))
        chosen["size"] = tuple(dict.fromkeys((*chosen["size"], *variants.read_sizes(self.sizes, context.scene))))
        exclusions = [keys for item in self.exclusions if item.use and any(keys := _keys(item))]
        return Matrix(chosen, (*exclusions, *variants.read_exclusions(self.never)))

    def settled(self, context: bpy.types.Context) -> Plans:
        """Plan the jobs with names and outputs of their own; raises `CannotPlan`."""
        return quick_adding.settle(store.get(), self.plan(context))

    def plan(self, context: bpy.types.Context, most: int | None = None) -> Plans:
        """Plan a job for each variant that is left."""
        check_tokens(self.output, variants_plan.OWN_TOKENS)
        return variants_plan.plan(store.get(), context.scene, self.matrix(context), self.frames, self.output, most)

    def check(self, context: bpy.types.Context) -> bool:
        """Take in what was changed, and plan anew."""
        self.take_in()
        return super().check(context)

    def take_in(self) -> None:
        """Make exclusions of the pair that was chosen, and of the lines that are not checked any more."""
        if self.exclude:
            self.exclude = False
            pair = dict(word.split(":", 1) for word in (self.one, self.other) if ":" in word)
            if len(pair) == 2:
                self._add_exclusion(tuple(pair.get(axis, "") for axis in AXES))
        for line, variant in zip(self.lines, self.listed, strict=False):
            if not line.use:
                self._add_exclusion(variant)

    def _add_exclusion(self, keys: Variant) -> None:
        if any(_keys(item) == keys for item in self.exclusions):
            return
        item = self.exclusions.add()
        for axis, key in zip(AXES, keys, strict=True):
            setattr(item, axis, key)

    def look_ahead(self, context: bpy.types.Context) -> None:
        """Keep the count and the first paths of what would be made."""
        batch, plans, self.listed = store.get(), None, ()
        try:
            matrix = self.matrix(context)
            count = matrix.count()
            plans = quick_adding.settle(batch, self.plan(context, MOST_LINES))
        except CannotPlan as error:
            self.ahead = Ahead(str(error), is_refused=True)
        else:
            self.listed = tuple(variant for variant, _ in zip(matrix.variants(), plans.jobs, strict=False))
            headline = say("1 job") if count == 1 else say("{count:,} jobs", count=count)
            more = (say("The list shows the first {count}", count=len(plans.jobs)),) if count > len(plans.jobs) else ()
            self.ahead = Ahead(headline, (), (*more, *plans.notes))
        self._fill_lines(quick_adding.paths(batch, plans, context.scene, MOST_LINES) if plans else [])

    def _fill_lines(self, paths: list[str]) -> None:
        """List the paths; lines that are there are used again, because the dialog still holds on to the one that was clicked."""
        while len(self.lines) > len(paths):
            self.lines.remove(len(self.lines) - 1)
        for place, path in enumerate(paths):
            line = self.lines[place] if place < len(self.lines) else self.lines.add()
            line.name, line.use = ending(path, max(30, _room(self) // 7)), True

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw the axes, the exclusions, and what is made of them."""
        room = _room(self)
        grid = layout.grid_flow(row_major=True, columns=3 if room >= THREE_COLUMNS else 2, even_columns=True)
        for name, label in zip(LISTS, LABELS, strict=True):
            column = grid.column(align=True)
            column.label(text=say(label), translate=False)
            column.template_list("RENDERPLUS_UL_quick_choices", name, self, f"{name}_list", self, f"active_{name}", rows=4, maxrows=4)
        column = grid.column(align=True)
        column.label(text="Nothing checked: as in the scene", icon="INFO")
        column.use_property_split = False
        column.prop(self, "sizes", text="", placeholder="More sizes: 800x600, 50%")
        column.prop(self, "frames", text="")
        self._draw_exclusions(layout)
        layout.prop(self, "output")
        if self.lines:
            layout.template_list("RENDERPLUS_UL_variants", "", self, "lines", self, "active_line", rows=6, maxrows=6)

    def _draw_exclusions(self, layout: bpy.types.UILayout) -> None:
        wide = _room(self) >= THREE_COLUMNS
        pair = layout.row(align=True) if wide else layout.column(align=True)
        pair.use_property_split = False
        pair.enabled = sum(1 for _, keys in checked(self) if keys) > 1
        pair.prop(self, "one")
        if wide:
            pair.separator(factor=2.0)
        row = pair.row(align=True)
        row.prop(self, "other")
        row.prop(self, "exclude", text="", icon="ADD")
        if self.exclusions:
            layout.template_list("RENDERPLUS_UL_variant_exclusions", "", self, "exclusions", self, "active_exclusion", rows=2, maxrows=3)


CLASSES = (
    RenderPlusVariantExclusion,
    RenderPlusVariantLine,
    RENDERPLUS_UL_variants,
    RENDERPLUS_UL_variant_exclusions,
    RENDERPLUS_OT_variant_matrix,
)
