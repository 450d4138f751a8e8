# SPDX-License-Identifier: GPL-3.0-or-later
"""Write small pictures and movies in every format that a Blender can write: the material of tests/unit/pictures.

    blender -b --factory-startup --python tools/make_picture_samples.py -- FOLDER
    python tools/make_picture_samples.py FOLDER      (a Python that has bpy)

Runs inside Blender.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import traceback

import bpy

SIZE = (32, 18)
EXR_CODECS = ("NONE", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB", "HTJ2K")
# (name, format word, settings): a setting that this Blender lacks leaves the sample out.
STILLS = [
    ("bmp_rgb", "BMP", {"color_mode": "RGB"}),
    ("bmp_bw", "BMP", {"color_mode": "BW"}),
    ("iris_rgba", "IRIS", {"color_mode": "RGBA"}),
    ("iris_bw", "IRIS", {"color_mode": "BW"}),
    ("png_rgba8", "PNG", {"color_mode": "RGBA", "color_depth": "8"}),
    ("png_rgba16", "PNG", {"color_mode": "RGBA", "color_depth": "16"}),
    ("png_bw8", "PNG", {"color_mode": "BW", "color_depth": "8"}),
    ("jpeg_rgb", "JPEG", {"color_mode": "RGB", "quality": 80}),
    ("jpeg_bw", "JPEG", {"color_mode": "BW", "quality": 30}),
    ("jp2_rgb8", "JPEG2000", {"color_mode": "RGB", "jpeg2k_codec": "JP2", "color_depth": "8"}),
    ("jp2_rgba16", "JPEG2000", {"color_mode": "RGBA", "jpeg2k_codec": "JP2", "color_depth": "16"}),
    ("j2k_rgb8", "JPEG2000", {"color_mode": "RGB", "jpeg2k_codec": "J2K", "color_depth": "8"}),
    ("tga_rgba_rle", "TARGA", {"color_mode": "RGBA"}),
    ("tga_bw_rle", "TARGA", {"color_mode": "BW"}),
    ("tga_rgb_raw", "TARGA_RAW", {"color_mode": "RGB"}),
    ("cineon_rgb", "CINEON", {"color_mode": "RGB"}),
    ("dpx_rgb8", "DPX", {"color_mode": "RGB", "color_depth": "8"}),
    ("dpx_rgb10", "DPX", {"color_mode": "RGB", "color_depth": "10"}),
    ("dpx_rgba12", "DPX", {"color_mode": "RGBA", "color_depth": "12"}),
    ("dpx_rgb16", "DPX", {"color_mode": "RGB", "color_depth": "16"}),
    ("hdr_rgb", "HDR", {"color_mode": "RGB"}),
    ("tiff_rgba8_none", "TIFF", {"color_mode": "RGBA", "color_depth": "8", "tiff_codec": "NONE"}),
    ("tiff_rgb8_deflate", "TIFF", {"color_mode": "RGB", "color_depth": "8", "tiff_codec": "DEFLATE"}),
    ("tiff_rgb16_lzw", "TIFF", {"color_mode": "RGB", "color_depth": "16", "tiff_codec": "LZW"}),
    ("tiff_bw8_packbits", "TIFF", {"color_mode": "BW", "color_depth": "8", "tiff_codec": "PACKBITS"}),
    ("webp_lossy", "WEBP", {"color_mode": "RGB", "quality": 60}),
    ("webp_rgba", "WEBP", {"color_mode": "RGBA", "quality": 60}),
    ("webp_lossless", "WEBP", {"color_mode": "RGBA", "quality": 100}),
    ("avif_rgb8", "AVIF", {"color_mode": "RGB", "color_depth": "8"}),
    ("avif_rgba10", "AVIF", {"color_mode": "RGBA", "color_depth": "10"}),
    *((f"exr_half_{codec.lower()}", "OPEN_EXR", {"color_mode": "RGBA", "color_depth": "16", "exr_codec": codec}) for codec in EXR_CODECS),
    ("exr_float_zip", "OPEN_EXR", {"color_mode": "RGB", "color_depth": "32", "exr_codec": "ZIP"}),
    ("exr_multilayer", "OPEN_EXR_MULTILAYER", {"color_depth": "16", "exr_codec": "DWAA"}),
]
MOVIES = [
    ("MPEG4", "H264", ".mp4"),
    ("QUICKTIME", "H264", ".mov"),
    ("MKV", "H264", ".mkv"),
    ("WEBM", "WEBM", ".webm"),
    ("AVI", "MPEG4", ".avi"),
    ("OGG", "THEORA", ".ogv"),
    ("FLASH", "FLV", ".flv"),
    ("MPEG1", "MPEG1", ".mpg"),
    ("MPEG2", "MPEG2", ".vob"),
]  # not DV: its smallest frame is 120,000 bytes
BIGGER = {"JPEG2000", "AVIF"}  # their libraries refuse a picture of 32x18


def main() -> None:
    folder = os.path.abspath(sys.argv[-1])
    os.makedirs(folder, exist_ok=True)
    for name, word, settings in STILLS:
        attempt(name, still, folder, name, word, settings)
    attempt("stereo", stereo, folder)
    attempt("tiled", cycles_tiles, folder)
    for container, codec, suffix in MOVIES:
        attempt(container, movie, folder, container, codec, suffix)
    attempt("avi_jpeg", old_avi, folder, "AVI_JPEG")
    attempt("oiio", written_by_oiio, folder)
    sys.stdout.flush()
    os._exit(0)


def attempt(name, function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        print(f"SAMPLE LEFT OUT {name}: {error}", flush=True)
        if os.environ.get("SAMPLES_DEBUG"):
            traceback.print_exc()


def fresh_scene():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    return scene


def use_format(scene, word, settings):
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = {"OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE", "FFMPEG": "VIDEO"}.get(word, "IMAGE")
    image.file_format = word
    for key, value in settings.items():
        setattr(image, key, value)


def tag():
    return "{}.{}".format(*bpy.app.version)


def still(folder, name, word, settings):
    scene = fresh_scene()
    use_format(scene, word, settings)
    if word in BIGGER:
        scene.render.resolution_x, scene.render.resolution_y = 96, 64
    scene.render.filepath = os.path.join(folder, f"{tag()}_{name}")
    bpy.ops.render.render(write_still=True)


def stereo(folder):
    for views, word, name in (
        ("MULTIVIEW", "OPEN_EXR", "exr_stereo"),
        ("MULTIVIEW", "OPEN_EXR_MULTILAYER", "exr_stereo_multilayer"),
        ("INDIVIDUAL", "PNG", "png_individual"),
        ("STEREO_3D", "PNG", "png_stereo3d"),
    ):
        scene = fresh_scene()
        scene.render.use_multiview = True
        scene.view_layers.new("Second")
        use_format(scene, word, {"exr_codec": "ZIP"} if "EXR" in word else {})
        scene.render.image_settings.views_format = views
        scene.render.filepath = os.path.join(folder, f"{tag()}_{name}")
        bpy.ops.render.render(write_still=True)


def cycles_tiles(folder):
    """Keep a copy of the tiled EXR that Cycles writes beside a tiled render, the last time it is seen whole."""
    scene = fresh_scene()
    scene.cycles.use_auto_tile = True
    scene.cycles.tile_size = 8
    place = tempfile.mkdtemp()
    bpy.context.preferences.filepaths.temporary_directory = place

    def keep(*_):
        for root, _folders, names in os.walk(place):
            for name in names:
                if name.endswith(".exr"):
                    shutil.copyfile(os.path.join(root, name), os.path.join(folder, f"{tag()}_exr_cycles_tiles.exr"))

    bpy.app.handlers.render_stats.append(keep)
    use_format(scene, "PNG", {})
    scene.render.filepath = os.path.join(place, "out")
    bpy.ops.render.render(write_still=True)
    bpy.app.handlers.render_stats.remove(keep)


def movie(folder, container, codec, suffix):
    scene = fresh_scene()
    use_format(scene, "FFMPEG", {})
    ffmpeg = scene.render.ffmpeg
    ffmpeg.format = container
    if container in {"MPEG4", "QUICKTIME", "MKV", "AVI", "WEBM"}:
        ffmpeg.codec = codec
    ffmpeg.audio_codec = "NONE"
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.use_file_extension = False
    scene.render.filepath = os.path.join(folder, f"{tag()}_movie_{container.lower()}{suffix}")
    bpy.ops.render.render(animation=True)


def old_avi(folder, word):
    scene = fresh_scene()
    use_format(scene, word, {})
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.use_file_extension = False
    scene.render.filepath = os.path.join(folder, f"{tag()}_{word.lower()}.avi")
    bpy.ops.render.render(animation=True)


def written_by_oiio(folder):
    """Write the kinds that Blender's own dialogues lack, with the OpenImageIO inside the bpy wheel."""
    sys.path.append(os.path.join(bpy.utils.resource_path("LOCAL"), "python", "lib", "python3.11", "site-packages"))
    import OpenImageIO as oiio

    picture = oiio.ImageBuf(oiio.ImageSpec(*SIZE, 3, "half"))
    oiio.ImageBufAlgo.noise(picture, "uniform", 0.0, 1.0)
    kinds = [
        ("exr_tiled.exr", {"tile_width": 16, "tile_height": 16}, {"compression": "zip"}, "half"),
        ("exr_bottom_up.exr", {}, {"openexr:lineOrder": "decreasingY", "compression": "zips"}, "half"),
        ("tiff_tiled.tif", {"tile_width": 16, "tile_height": 16}, {}, "uint8"),
        ("tiff_big_float.tif", {}, {"tiff:bigtiff": 1}, "float"),
        ("tiff_planar.tif", {}, {"planarconfig": "separate"}, "uint16"),
        ("jpeg_progressive.jpg", {}, {"jpeg:progressive": 1}, "uint8"),
    ]
    for name, fields, attributes, kind in kinds:
        path = os.path.join(folder, f"{tag()}_oiio_{name}")
        spec = oiio.ImageSpec(*SIZE, 3, kind)
        for key, value in fields.items():
            setattr(spec, key, value)
        for key, value in attributes.items():
            spec.attribute(key, value)
        writer = oiio.ImageOutput.create(path)
        writer.open(path, spec)
        writer.write_image(picture.get_pixels(oiio.FLOAT))
        writer.close()
    oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, picture, os.path.join(folder, f"{tag()}_oiio_exr_mipmap.exr"))


main()
